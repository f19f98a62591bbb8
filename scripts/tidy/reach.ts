// Which source files are reached, and from where: production starts at exports and bins, tests and scripts at themselves.
import { type Checkout, isTest, packageOf, resolveImport } from './checkout.ts'

export interface Reach {
  /** Reached from what users run or import. */
  readonly production: ReadonlySet<string>
  /** Reached from anything: production, tests, scripts, benchmarks. */
  readonly any: ReadonlySet<string>
}

export function reachOf(checkout: Checkout): Reach {
  const roots = [...checkout.facts.keys()]
  const commands = commandTexts(checkout)
  return {
    production: follow(
      checkout,
      roots.filter((path) => isProductionRoot(checkout, path)),
    ),
    any: follow(
      checkout,
      roots.filter((path) => isProductionRoot(checkout, path) || isTool(path, commands)),
    ),
  }
}

/** Code that production does not reach: test support, which may touch what a test may, and dead files. */
export function isTestSupport(reach: Reach, path: string): boolean {
  return !reach.production.has(path)
}

function isProductionRoot(checkout: Checkout, path: string): boolean {
  const name = packageOf(path)
  if (name === null) return false
  const info = checkout.packages.get(name)
  if (info?.bins.includes(path)) return true
  for (const target of info?.exports.values() ?? []) if (target === path) return true
  return /^packages\/[^/]+\/src\/bin\/[^/]+\.ts$/.test(path)
}

/** Never imported, but started: tests, programs at the top of a tool folder, and what a script or a page names. */
function isTool(path: string, commands: readonly string[]): boolean {
  if (isTest(path) || /^(?:scripts|bench|e2e)\/[^/]+\.ts$/.test(path)) return true
  return packageOf(path) === null && commands.some((text) => text.includes(path))
}

function commandTexts(checkout: Checkout): string[] {
  const isCommand = (path: string): boolean => /package\.json$|\.md$|^\.ci\//.test(path)
  return [...checkout.texts].filter(([path]) => isCommand(path)).map(([, text]) => text)
}

function follow(checkout: Checkout, roots: readonly string[]): Set<string> {
  const seen = new Set(roots)
  const open = [...roots]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const facts = checkout.facts.get(path)
    if (facts === undefined) continue
    const named = [...facts.imports.map(({ specifier }) => specifier), ...facts.fileNames]
    for (const specifier of named) {
      const target = resolveImport(checkout, path, specifier)
      if (target === null || seen.has(target)) continue
      seen.add(target)
      open.push(target)
    }
  }
  return seen
}
