// Who may import whom.
import { type Checkout, isTest, packageOf, resolveImport } from './checkout.ts'
import type { ImportFact } from './facts.ts'
import type { Finding } from './finding.ts'
import { isTestSupport, type Reach } from './reach.ts'

/** Each package and the packages that it may import. Arrows go only to names above. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  env: ['base'],
  protocol: ['base'],
  remoting: ['base', 'env', 'protocol'],
  store: ['base', 'env', 'protocol'],
  ha: ['base', 'env', 'protocol', 'store'],
  namesrv: ['base', 'env', 'protocol', 'remoting', 'store'],
  broker: ['base', 'env', 'protocol', 'remoting', 'store', 'ha'],
  client: ['base', 'env', 'protocol', 'remoting'],
  admin: ['base', 'env', 'protocol', 'remoting', 'client'],
  apogee: [
    'base',
    'env',
    'protocol',
    'remoting',
    'store',
    'ha',
    'namesrv',
    'broker',
    'client',
    'admin',
  ],
}

/** What tests of a package may import besides: these are tested against the servers themselves, in the simulator. */
const TEST_LAYERS: Readonly<Record<string, readonly string[]>> = {
  broker: ['namesrv'],
  client: ['namesrv', 'broker'],
  admin: ['namesrv', 'broker'],
}

/** A client that nobody gave ports to runs in the real world: one file says so. */
export const CLIENT_DEFAULT_ENV = 'packages/client/src/default-env.ts'

/** Folders at the root that hold tools: they may use every package, and one another. */
const TOOL_FOLDERS = new Set(['e2e', 'bench', 'scripts'])

export function checkLayers(checkout: Checkout, reach: Reach): Finding[] {
  const findings: Finding[] = []
  for (const name of checkout.packages.keys()) {
    if (LAYERS[name] === undefined) {
      const message = `${name} is not in the layer table of scripts/tidy/layer-rules.ts`
      findings.push({ rule: 'layer', path: `packages/${name}/package.json`, line: 0, message })
    }
  }
  for (const [path, facts] of checkout.facts) {
    for (const fact of facts.imports) {
      const wrong = fact.specifier.startsWith('.')
        ? relativeProblem(path, fact)
        : fact.specifier.startsWith('@apogee/') && packageProblem(checkout, reach, path, fact)
      if (wrong) findings.push({ path, line: fact.line, ...wrong })
    }
  }
  return findings
}

type Problem = Pick<Finding, 'rule' | 'message'> | false

function relativeProblem(path: string, fact: ImportFact): Problem {
  const target = new URL(fact.specifier, `file:///${path}`).pathname.slice(1)
  if (packageOf(path) === packageOf(target)) {
    return !fact.specifier.endsWith('.ts') && !fact.specifier.endsWith('.json')
      ? { rule: 'package-edge', message: `${fact.specifier}: name the file with its .ts` }
      : false
  }
  const message = `${fact.specifier} leaves its package: import @apogee/<package> instead`
  return { rule: 'package-edge', message }
}

function packageProblem(checkout: Checkout, reach: Reach, path: string, fact: ImportFact): Problem {
  const { specifier } = fact
  const to = specifier.split('/')[1] ?? ''
  if (resolveImport(checkout, path, specifier) === null) {
    return { rule: 'package-edge', message: `${specifier} is not an export that ${to} declares` }
  }
  const from = packageOf(path)
  if (from === null) return toolProblem(path)
  if (from === to) return { rule: 'package-edge', message: `${specifier} is its own package` }
  const isTestCode = isTest(path) || isTestSupport(reach, path)
  if (isTestCode && TEST_LAYERS[from]?.includes(to)) return false
  if (!(LAYERS[from] ?? []).includes(to)) {
    return { rule: 'layer', message: `${from} must not import ${to}` }
  }
  const simulated = /^@apogee\/env\/(?:memory|node|sim)$/.test(specifier)
  if (simulated && !isTestCode && from !== 'apogee' && path !== CLIENT_DEFAULT_ENV) {
    return { rule: 'layer', message: `${specifier} is for apogee and for tests: take the ports` }
  }
  if (!checkout.packages.get(from)?.dependencies.has(`@apogee/${to}`)) {
    return {
      rule: 'dependency',
      message: `packages/${from}/package.json does not name @apogee/${to}`,
    }
  }
  return false
}

function toolProblem(path: string): Problem {
  const folder = path.split('/')[0] ?? ''
  if (TOOL_FOLDERS.has(folder)) return false
  return { rule: 'layer', message: `${folder} is neither a package nor a tool folder` }
}

/** Files that import one another in a circle, by what is imported when the program runs. */
export function checkCycles(checkout: Checkout): Finding[] {
  const findings: Finding[] = []
  const done = new Set<string>()
  const onPath: string[] = []
  const visit = (path: string): void => {
    const at = onPath.indexOf(path)
    if (at >= 0) {
      const circle = [...onPath.slice(at), path].join(' → ')
      findings.push({ rule: 'import-cycle', path, line: 0, message: circle })
      return
    }
    if (done.has(path)) return
    onPath.push(path)
    for (const fact of checkout.facts.get(path)?.imports ?? []) {
      const target = fact.typeOnly ? null : resolveImport(checkout, path, fact.specifier)
      if (target !== null) visit(target)
    }
    onPath.pop()
    done.add(path)
  }
  for (const path of checkout.facts.keys()) visit(path)
  return findings
}

const TEST_SUPPORT = /(?:^|\/)testing\/|\.fixture\.ts$|\/test-[^/]*\.ts$/

/** Source files that nothing imports or starts; those that only tests reach are listed, unless named as such. */
export function checkDeadFiles(checkout: Checkout, reach: Reach): Finding[] {
  const dead = [...checkout.facts.keys()].filter(
    (path) => !reach.any.has(path) && !path.endsWith('.d.ts'),
  )
  const unwired = [...reach.any].filter(
    (path) =>
      packageOf(path) !== null &&
      !isTest(path) &&
      isTestSupport(reach, path) &&
      !TEST_SUPPORT.test(path),
  )
  const message = 'nothing imports or starts this file'
  const wire = 'only tests reach this file: wire it, delete it, or move it to testing/'
  return [
    ...dead.map((path) => ({ rule: 'dead-file', path, line: 0, message })),
    ...unwired.map((path) => ({ rule: 'dead-file', path, line: 0, message: wire, note: true })),
  ]
}
