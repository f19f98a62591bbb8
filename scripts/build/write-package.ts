// One published package, from the compiled workspace into its folder.
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { assemble, type WorkspaceExports } from './assemble.ts'
import type { Emitted } from './emitted.ts'
import { manifestOf } from './manifest.ts'
import type { PublishedPackage } from './published.ts'
import { readWorkspaceManifest } from './workspace-exports.ts'

const TEXTS = ['LICENSE', 'CHANGELOG.md']
const LOCAL_LINK = /\]\((?!https?:|#|mailto:)([^)#\s]+)/g

/** Writes `target` anew. */
export function writePackage(
  root: string,
  target: string,
  published: PublishedPackage,
  compiled: { emitted: Emitted; workspace: WorkspaceExports },
): void {
  const { files, externals } = assemble(published, compiled.emitted, compiled.workspace)
  const source = join(root, 'packages', published.source)
  rmSync(target, { recursive: true, force: true })
  for (const [path, text] of files) {
    const file = join(target, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  for (const folder of published.folders) {
    cpSync(join(source, folder), join(target, folder), { recursive: true })
  }
  const manifest = readWorkspaceManifest(root, published.source)
  const bins = Object.fromEntries(
    // npm takes a leading ./ for a slip.
    Object.entries(manifest.bin ?? {}).map(([name, file]) => [name, posix.normalize(file)]),
  )
  for (const launcher of Object.values(bins)) {
    mkdirSync(dirname(join(target, launcher)), { recursive: true })
    cpSync(join(source, launcher), join(target, launcher))
    chmodSync(join(target, launcher), 0o755)
  }
  for (const name of TEXTS) cpSync(join(root, name), join(target, name))
  const readme = readFileSync(join(root, 'scripts', 'build', published.readme), 'utf8')
  writeFileSync(join(target, 'README.md'), readme)
  const places = [...files.keys(), ...Object.values(bins)]
  const folders = new Set([...places.map((path) => path.split('/')[0]!), ...published.folders])
  const { version, dependencies = {} } = manifest
  const contents = [...folders].sort().concat('CHANGELOG.md')
  const made = manifestOf({ published, version, bins, dependencies, externals, contents })
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(made, null, 2)}\n`)
  checkLinks(target, readme)
}

/** A page must not point at what is not in the package. */
function checkLinks(target: string, page: string): void {
  for (const [, link] of page.matchAll(LOCAL_LINK)) {
    try {
      readFileSync(join(target, posix.normalize(link!)))
    } catch (error) {
      throw new Error(`README.md links to ${link}, which is not shipped`, { cause: error })
    }
  }
}
