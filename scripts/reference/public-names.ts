// The public names of the published packages, each once.
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { compile } from '../build/compile.ts'
import { PUBLISHED, type PublishedPackage } from '../build/published.ts'
import { workspaceExports } from '../build/workspace-exports.ts'
import type { PublicName } from './pages.ts'
import { readDeclarations } from './read-declarations.ts'

/** In the order of the exports, the client's before those that only `apogee` has. */
export function publicNames(
  root: string,
  published: readonly PublishedPackage[] = PUBLISHED,
): PublicName[] {
  const sources = published.toReversed().flatMap(({ name, source, exports }) =>
    Object.entries(exports).map(([subpath, file]) => ({
      specifier: subpath === '.' ? name : `${name}${subpath.slice(1)}`,
      path: `${source}/${file}`,
    })),
  )
  const workspace = workspaceExports(root)
  const output = compile(
    root,
    sources.map(({ path }) => `packages/${path}`),
    workspace,
    ['declarations'],
  )
  try {
    const entries = sources.map(({ path }) => path.replace(/\.ts$/, '.d.ts'))
    const read = readDeclarations(output, entries, workspace)
    const names = new Map<string, PublicName>()
    for (const [index, { specifier }] of sources.entries()) {
      for (const documented of read.get(entries[index]!) ?? []) {
        const packages = [...(names.get(documented.name)?.packages ?? []), specifier]
        names.set(documented.name, { documented, packages })
      }
    }
    return [...names.values()]
  } finally {
    rmSync(dirname(output), { recursive: true, force: true })
  }
}
