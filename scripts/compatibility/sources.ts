// Where the source names request codes: what serves them, what sends them, what tests them. Found by their names.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Path from the root → text. */
export type Sources = ReadonlyMap<string, string>

/** TypeScript files of the packages and of e2e. */
export function readSources(root: string): Sources {
  const sources = new Map<string, string>()
  for (const folder of ['packages', 'e2e']) {
    const paths = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    for (const path of paths.sort()) {
      if (!path.endsWith('.ts') || path.includes('node_modules')) continue
      const name = `${folder}/${path}`
      sources.set(name, readFileSync(join(root, name), 'utf8'))
    }
  }
  return sources
}

export function isTestSource(path: string): boolean {
  return path.endsWith('.test.ts') || (path.startsWith('e2e/') && !path.startsWith('e2e/harness/'))
}

function isTestSupport(path: string): boolean {
  return path.includes('/testing/') || path.endsWith('.fixture.ts')
}

function production(sources: Sources, server: string): [string, string][] {
  return [...sources].filter(
    ([path]) =>
      path.startsWith(`packages/${server}/src/`) && !isTestSource(path) && !isTestSupport(path),
  )
}

/** The handler files of a server that declare a code; files that only mention it when none declares it. */
export function servingFiles(sources: Sources, server: string, name: string): string[] {
  const handlers = production(sources, server).filter(([path]) => path.includes('/handlers/'))
  const matching = (pattern: RegExp): string[] =>
    handlers.filter(([, text]) => pattern.test(text)).map(([path]) => path)
  const declaring = matching(new RegExp(`\\bcode: RequestCode\\.${name}\\b`))
  return declaring.length > 0 ? declaring : matching(new RegExp(`\\bRequestCode\\.${name}\\b`))
}

/** Files of a server that send a code to clients or to other servers. */
export function sendingFiles(sources: Sources, server: string, name: string): string[] {
  const sends = new RegExp(
    `(?:(?:oneway|request|invoke)\\(\\s*|\\bconst code = )RequestCode\\.${name}\\b`,
  )
  return production(sources, server)
    .filter(([, text]) => sends.test(text))
    .map(([path]) => path)
}

/** Codes that the broker leaves to its main port, by the list in broker.ts. */
export function mainPortOnly(sources: Sources): Set<string> {
  const text = sources.get('packages/broker/src/broker.ts') ?? ''
  const list = /const MAIN_PORT_ONLY[^=]*= \[([^\]]*)\]/.exec(text)?.[1]
  if (list === undefined) throw new Error('broker.ts: no list MAIN_PORT_ONLY')
  return new Set([...list.matchAll(/RequestCode\.(\w+)/g)].map(([, name = '']) => name))
}

/** Tests of the server and of whole processes that name a code; other packages use codes only as examples. */
export function testingFiles(sources: Sources, server: string, name: string): string[] {
  const mention = new RegExp(`\\b${name}\\b`)
  const place = new RegExp(`^(?:packages/(?:${server}|apogee)|e2e)/`)
  return [...sources]
    .filter(([path, text]) => place.test(path) && isTestSource(path) && mention.test(text))
    .map(([path]) => path)
}

/** Which programs' real frames of a code the protocol tests read: folders of packages/protocol/testdata/golden. */
export function recordedFrom(root: string): Map<number, string[]> {
  const folder = join(root, 'packages/protocol/testdata/golden')
  const recorded = new Map<number, string[]>()
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    const codes = readdirSync(join(folder, entry.name)).map((file) => Number.parseInt(file, 10))
    for (const code of new Set(codes)) {
      if (!Number.isNaN(code)) recorded.set(code, [...(recorded.get(code) ?? []), entry.name])
    }
  }
  for (const programs of recorded.values()) programs.sort()
  return recorded
}
