// What the rules look at: the text of every file under version control and the syntax trees of the TypeScript ones.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { createVirtualFileSystem } from 'typescript/unstable/fs'
import { API } from 'typescript/unstable/sync'
import { collectFacts, type Facts } from './facts.ts'

export interface PackageInfo {
  /** The folder's name, which is also the name after @apogee/. */
  readonly name: string
  /** packages/<name>, or the workspace's folder at the root. */
  readonly folder: string
  /** './sub' → path of the source file from the root. */
  readonly exports: ReadonlyMap<string, string>
  /** Sources that the package's bin field names. */
  readonly bins: readonly string[]
  readonly dependencies: ReadonlySet<string>
}

export interface Checkout {
  readonly texts: ReadonlyMap<string, string>
  /** TypeScript sources of the program, by path. */
  readonly facts: ReadonlyMap<string, Facts>
  readonly packages: ReadonlyMap<string, PackageInfo>
}

const TEXT_FILE = /\.(?:ts|js|mjs|cjs|json|jsonc|md|sh|java|go|xml|yml|yaml|conf|properties|toml)$/
const NO_EXTENSION = /(?:^|\/)[^./]+$/
const LOCKFILE = /package-lock\.json$|go\.sum$/

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts')
}

/** The package that owns a path, or null for e2e, bench, scripts and files at the root. */
export function packageOf(path: string): string | null {
  return /^packages\/([^/]+)\//.exec(path)?.[1] ?? null
}

/** Reads the checkout at `root`: tracked files and new ones that are not ignored. */
export function readCheckout(root: string): Checkout {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 << 20 })
  const texts = new Map<string, string>()
  for (const path of new Set(listed.split('\0'))) {
    const wanted = TEXT_FILE.test(path) || NO_EXTENSION.test(path)
    if (!wanted || LOCKFILE.test(path) || path.includes('testdata/')) continue
    const file = join(root, path)
    if (existsSync(file)) texts.set(path, readFileSync(file, 'utf8'))
  }
  const api = new API({ cwd: root })
  return assemble(root, texts, api)
}

/** A checkout that exists only in memory: how the tests of the rules make one. */
export function checkoutOf(files: Readonly<Record<string, string>>): Checkout {
  const root = '/checkout'
  const config = { compilerOptions: { noLib: true, types: [] }, include: ['**/*.ts'] }
  const onDisk: Record<string, string> = { [`${root}/tsconfig.json`]: JSON.stringify(config) }
  for (const [path, text] of Object.entries(files)) onDisk[`${root}/${path}`] = text
  const api = new API({ cwd: root, fs: createVirtualFileSystem(onDisk) })
  return assemble(root, new Map(Object.entries(files)), api)
}

function assemble(root: string, texts: ReadonlyMap<string, string>, api: API): Checkout {
  const facts = new Map<string, Facts>()
  try {
    const config = join(root, 'tsconfig.json')
    const program = api.updateSnapshot({ openProjects: [config] }).getProject(config)?.program
    for (const path of texts.keys()) {
      if (!path.endsWith('.ts')) continue
      const tree = program?.getSourceFile(join(root, path))
      if (tree !== undefined) facts.set(path, collectFacts(tree))
    }
  } finally {
    api.close()
  }
  return { texts, facts, packages: readPackages(texts) }
}

interface PackageJson {
  exports?: Record<string, string>
  bin?: Record<string, string>
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

function readPackages(texts: ReadonlyMap<string, string>): Map<string, PackageInfo> {
  const packages = new Map<string, PackageInfo>()
  for (const [path, text] of texts) {
    const name = /^packages\/([^/]+)\/package\.json$/.exec(path)?.[1]
    if (name === undefined) continue
    const json = JSON.parse(text) as PackageJson
    const folder = `packages/${name}`
    const exports = Object.entries(json.exports ?? {})
    packages.set(name, {
      name,
      folder,
      exports: new Map(exports.map(([key, target]) => [key, posix.join(folder, target)])),
      bins: Object.values(json.bin ?? {}).map((target) => posix.join(folder, target)),
      dependencies: new Set(
        Object.keys({ ...json.dependencies, ...json.devDependencies }).map((key) => key),
      ),
    })
  }
  return packages
}

/** The source file that an import names, or null when it is not one of the checkout. */
export function resolveImport(checkout: Checkout, from: string, specifier: string): string | null {
  if (specifier.startsWith('.')) {
    const path = posix.join(posix.dirname(from), specifier)
    if (checkout.texts.has(path)) return path
    return checkout.texts.has(`${path}.ts`) ? `${path}.ts` : null
  }
  const [, name, sub] = /^@apogee\/([^/]+)(\/.+)?$/.exec(specifier) ?? []
  if (name === undefined) return null
  return checkout.packages.get(name)?.exports.get(sub === undefined ? '.' : `.${sub}`) ?? null
}
