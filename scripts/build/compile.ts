// TypeScript in, JavaScript and declarations out: one run of tsc over everything that the published packages reach.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WorkspaceExports } from './assemble.ts'

/** Long enough for a machine that does other things too. */
const LIMIT_MS = 180_000

/**
 * Compiles `files` (relative to the root) and what they import. Returns the folder with the result, laid out as packages/
 * is; the caller removes it. Throws with the compiler's words when there is an error of types.
 */
export function compile(
  root: string,
  files: readonly string[],
  workspace: WorkspaceExports,
): string {
  mkdirSync(join(root, '.cache'), { recursive: true })
  // Below the root: @types of the workspace are found from there.
  const folder = mkdtempSync(join(root, '.cache', 'build-'))
  // Found through node_modules, the other packages would count as foreign and not be compiled.
  const paths = Object.fromEntries(
    [...workspace].map(([specifier, file]) => [specifier, [join(root, 'packages', file)]]),
  )
  const config = {
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: {
      rootDir: join(root, 'packages'),
      outDir: join(folder, 'out'),
      noEmit: false,
      noEmitOnError: true,
      paths,
    },
    files: files.map((file) => join(root, file)),
  }
  const project = join(folder, 'tsconfig.json')
  writeFileSync(project, JSON.stringify(config))
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [compiler, '-p', project, '--pretty', 'false']
  const result = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: LIMIT_MS,
  })
  if (result.error !== undefined) throw result.error
  if (result.status !== 0) throw new Error(`tsc failed:\n${result.stdout}${result.stderr}`)
  return join(folder, 'out')
}
