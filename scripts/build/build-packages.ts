// Source to folders that can be published.
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { compile } from './compile.ts'
import { readEmitted } from './emitted.ts'
import { PUBLISHED, type PublishedPackage } from './published.ts'
import { workspaceExports } from './workspace-exports.ts'
import { writePackage } from './write-package.ts'

/** Builds every published package below `target` and tells where. */
export function buildPackages(
  root: string,
  target: string,
  published: readonly PublishedPackage[] = PUBLISHED,
): { name: string; folder: string }[] {
  const entries = published.flatMap(({ source, exports, programs }) =>
    [...Object.values(exports), ...programs].map((file) => `packages/${source}/${file}`),
  )
  const workspace = workspaceExports(root)
  const output = compile(root, entries, workspace)
  try {
    const compiled = { emitted: readEmitted(output), workspace }
    return published.map((one) => {
      const folder = join(target, one.source)
      writePackage(root, folder, one, compiled)
      return { name: one.name, folder }
    })
  } finally {
    rmSync(dirname(output), { recursive: true, force: true })
  }
}
