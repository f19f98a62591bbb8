// What the interop suite builds for itself, cached under .cache/ at the root of the checkout. A missing tool fails; it
// never skips: an interop suite that skipped a client would claim what it did not check.
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { mustRun } from './processes.ts'

export const e2eFolder: string = join(import.meta.dirname, '..')
export const rootFolder: string = join(e2eFolder, '..')
export const cacheFolder: string = join(rootFolder, '.cache')

export const rocketmqVersions = { current: '5.5.0', last4: '4.9.8' } as const
export type ClientVersion = (typeof rocketmqVersions)[keyof typeof rocketmqVersions]

const BUILD_TIMEOUT_MS = 600_000

/** Files of the given folders by name and content, so that an edit rebuilds. */
function fingerprint(paths: readonly string[]): string {
  const hash = createHash('sha256')
  for (const path of paths) {
    const entries = path.includes('.') ? [path] : listFiles(path)
    for (const file of entries.toSorted()) {
      hash.update(relative(e2eFolder, file)).update(readFileSync(file))
    }
  }
  return hash.digest('hex')
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Runs `build` into `folder` unless a stamp says that these very inputs were built there already. */
async function cached(
  folder: string,
  inputs: readonly string[],
  build: (folder: string) => Promise<void>,
): Promise<string> {
  const stamp = `${folder}.stamp`
  const wanted = fingerprint(inputs)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return folder
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await build(folder)
  writeFileSync(stamp, wanted)
  return folder
}

/** The jars of one RocketMQ version: all of 5.5.0 (servers, tools, examples, client), the client alone of 4.9.8. */
export async function rocketmqJars(version: ClientVersion): Promise<string> {
  const pom = join(
    e2eFolder,
    'java',
    version === rocketmqVersions.current ? '' : 'client-4.9',
    'pom.xml',
  )
  return await cached(join(cacheFolder, 'peers', version), [pom], async (folder) => {
    const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies']
    args.push(`-DoutputDirectory=${folder}`, '-DincludeScope=runtime')
    await mustRun({ command: 'mvn', args, timeoutMs: BUILD_TIMEOUT_MS })
  })
}

/** Compiled programs of e2e/java/src/<program> against one version: the class path to run them with. */
export async function javaProgram(
  program: 'client' | 'admin' | 'bench',
  version: ClientVersion,
): Promise<string> {
  const jars = await rocketmqJars(version)
  const sources = join(e2eFolder, 'java', 'src', program)
  const classes = join(cacheFolder, 'interop', 'classes', `${program}-${version}`)
  await cached(classes, [sources, join(e2eFolder, 'java', 'pom.xml')], async (folder) => {
    const args = ['-nowarn', '-proc:none', '-source', '11', '-target', '11', '-Xlint:-options']
    args.push('-cp', join(jars, '*'), '-d', folder, ...listFiles(sources))
    await mustRun({ command: 'javac', args, timeoutMs: BUILD_TIMEOUT_MS })
  })
  return `${classes}:${join(jars, '*')}`
}

/** The Go client program: the path of its binary. */
export async function goProgram(): Promise<string> {
  const sources = join(e2eFolder, 'go')
  const folder = await cached(join(cacheFolder, 'interop', 'go'), [sources], async (target) => {
    const args = ['build', '-o', join(target, 'client'), '.']
    await mustRun({ command: 'go', args, cwd: sources, timeoutMs: BUILD_TIMEOUT_MS })
  })
  return join(folder, 'client')
}

/** The ali-ons client program, installed with npm outside of the workspace: the path of its script. */
export async function aliOnsProgram(): Promise<string> {
  const sources = join(e2eFolder, 'ali-ons')
  const folder = join(cacheFolder, 'interop', 'ali-ons')
  await cached(folder, [sources], async (target) => {
    cpSync(sources, target, { recursive: true })
    const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts']
    await mustRun({ command: 'npm', args, cwd: target, timeoutMs: BUILD_TIMEOUT_MS })
  })
  return join(folder, 'client.cjs')
}
