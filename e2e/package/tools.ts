// What checks the published packages: publint, attw, two compilers and three Nodes, from a lockfile of their own.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { cacheFolder } from '../harness/builds.ts'
import { mustRun } from '../harness/processes.ts'

export const nodeVersions = ['22', '24', '26'] as const
export type NodeVersion = (typeof nodeVersions)[number]
export const compilerVersions = ['5', '7'] as const
export type CompilerVersion = (typeof compilerVersions)[number]

// The npm that runs this suite tells its children which project and which command they belong to: not those we start.
for (const name of Object.keys(process.env)) {
  if (/^npm_(?:command|lifecycle_|package_|config_(?:call|local_prefix|workspace))/.test(name)) {
    delete process.env[name]
  }
}

const INSTALL_LIMIT_MS = 300_000
const FILES = ['package.json', 'package-lock.json']

/** Where the tools are installed: once, until the lockfile changes. */
export async function toolsFolder(): Promise<string> {
  const folder = join(cacheFolder, 'package-tools')
  const wanted = FILES.map((name) => readFileSync(join(import.meta.dirname, name), 'utf8')).join('')
  const stamp = join(folder, 'installed')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return folder
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const name of FILES) cpSync(join(import.meta.dirname, name), join(folder, name))
  // The packages of Node fetch the one of this platform when they are installed.
  const args = ['ci', '--no-audit', '--no-fund']
  await mustRun({ command: 'npm', args, cwd: folder, timeoutMs: INSTALL_LIMIT_MS })
  writeFileSync(stamp, wanted)
  return folder
}

/** An environment in which `node` is this version, for npm too, and nothing of the runner's own is left. */
export async function nodeEnvironment(version: NodeVersion): Promise<Record<string, string>> {
  const bin = join(await toolsFolder(), 'node_modules', `node-${version}`, 'bin')
  // npm scripts put the workspace's own programs first: those must not be found in place of the installed ones.
  const rest = (process.env['PATH'] ?? '').split(delimiter)
  const path = [bin, ...rest.filter((folder) => !folder.includes('node_modules'))].join(delimiter)
  return { PATH: path, NODE_OPTIONS: '', NODE_TEST_CONTEXT: '', FORCE_COLOR: '0' }
}

/** Path of a program of the tools: `publint`, `attw`. */
export async function toolProgram(name: string): Promise<string> {
  return join(await toolsFolder(), 'node_modules', '.bin', name)
}

export async function compilerProgram(version: CompilerVersion): Promise<string> {
  return join(await toolsFolder(), 'node_modules', `typescript-${version}`, 'bin', 'tsc')
}
