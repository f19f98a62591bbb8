// TypeScript in, JavaScript and declarations out: tsc over everything that the published packages reach.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WorkspaceExports } from './assemble.ts'

/** Long enough for a machine that does other things too. */
const LIMIT_MS = 180_000

/** BUILD_UNCHECKED=1: a trial of work that does not compile as a whole yet. */
const isUnchecked: boolean = process.env['BUILD_UNCHECKED'] === '1'
/** Declarations keep their docstrings; code does without, since whoever reads it has the sources. */
const PASSES: Readonly<Record<'declarations' | 'code', object>> = {
  declarations: { noEmitOnError: true, emitDeclarationOnly: true, noCheck: isUnchecked },
  code: { noCheck: true, declaration: false, isolatedDeclarations: false, removeComments: true },
}
export type Pass = keyof typeof PASSES

/**
 * Compiles `files` (relative to the root) and what they import. Returns the folder with the result, laid out as packages/
 * is; the caller removes it with its parent. Throws with the compiler's words when there is an error of types.
 */
export function compile(
  root: string,
  files: readonly string[],
  workspace: WorkspaceExports,
  passes: readonly Pass[] = ['declarations', 'code'],
): string {
  mkdirSync(join(root, '.cache'), { recursive: true })
  // Below the root: @types of the workspace are found from there.
  const folder = mkdtempSync(join(root, '.cache', 'build-'))
  try {
    for (const pass of passes) {
      const config = configuration(root, folder, files, workspace, PASSES[pass])
      const project = join(folder, `${pass}.json`)
      writeFileSync(project, JSON.stringify(config))
      runCompiler(root, project)
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
  return join(folder, 'out')
}

function configuration(
  root: string,
  folder: string,
  files: readonly string[],
  workspace: WorkspaceExports,
  options: object,
): object {
  // Found through node_modules, the other packages would count as foreign and not be compiled.
  const paths = Object.fromEntries(
    [...workspace].map(([specifier, file]) => [specifier, [join(root, 'packages', file)]]),
  )
  return {
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: {
      rootDir: join(root, 'packages'),
      outDir: join(folder, 'out'),
      noEmit: false,
      paths,
      ...options,
    },
    files: files.map((file) => join(root, file)),
  }
}

function runCompiler(root: string, project: string): void {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [compiler, '-p', project, '--pretty', 'false']
  const result = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    timeout: LIMIT_MS,
  })
  if (result.error !== undefined) throw result.error
  if (result.status !== 0) throw new Error(`tsc failed:\n${result.stdout}${result.stderr}`)
}
