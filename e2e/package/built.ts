// The published packages, built and packed once for each test file, and installed into empty folders.
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { buildPackages } from '../../scripts/build/build-packages.ts'
import { type Packed, pack } from '../../scripts/build/pack.ts'
import { rootFolder } from '../harness/builds.ts'
import { mustRun, temporaryFolder } from '../harness/processes.ts'
import { type NodeVersion, nodeEnvironment } from './tools.ts'

export interface Built {
  /** Name in the registry. */
  readonly name: string
  readonly folder: string
  readonly packed: Packed
}

export type PublishedName = 'apogee' | '@apogee/client'

const INSTALL_LIMIT_MS = 180_000
let built: readonly Built[] | null = null

export function builtPackages(): readonly Built[] {
  if (built !== null) return built
  const target = temporaryFolder('package')
  const packages = buildPackages(rootFolder, target)
  built = packages.map(({ name, folder }) => ({ name, folder, packed: pack(folder, target) }))
  return built
}

export function builtPackage(name: PublishedName): Built {
  const found = builtPackages().find((one) => one.name === name)
  if (found === undefined) throw new Error(`${name} is not published`)
  return found
}

/** An empty folder into which `names` were installed from their tarballs, with that Node, and nothing else. */
export async function installed(
  version: NodeVersion,
  names: readonly PublishedName[],
): Promise<string> {
  const folder = temporaryFolder(`install-${version}`)
  const files = names.map((name) => builtPackage(name).packed.file)
  await mustRun({
    command: 'npm',
    args: ['install', '--no-audit', '--no-fund', ...files],
    cwd: folder,
    env: await nodeEnvironment(version),
    timeoutMs: INSTALL_LIMIT_MS,
  })
  return folder
}

/** Copies a program of this folder to where the packages are installed, so that its imports find them. */
export function placeProgram(folder: string, name: string): string {
  const target = join(folder, name)
  cpSync(join(import.meta.dirname, 'programs', name), target)
  return target
}
