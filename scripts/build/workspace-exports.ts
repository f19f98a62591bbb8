// What the packages of the workspace say about themselves.
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import type { WorkspaceExports } from './assemble.ts'

export interface WorkspaceManifest {
  readonly version: string
  readonly exports?: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
}

export function readWorkspaceManifest(root: string, name: string): WorkspaceManifest {
  const text = readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')
  return JSON.parse(text) as WorkspaceManifest
}

/** What `@apogee/<package>` and its subpaths stand for. */
export function workspaceExports(root: string): WorkspaceExports {
  const exports = new Map<string, string>()
  for (const name of readdirSync(join(root, 'packages'))) {
    const manifest = readWorkspaceManifest(root, name)
    for (const [subpath, file] of Object.entries(manifest.exports ?? {})) {
      exports.set(posix.join(`@apogee/${name}`, subpath), posix.join(name, file))
    }
  }
  return exports
}
