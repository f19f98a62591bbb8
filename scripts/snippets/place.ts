// Programs on disk, where their imports find the workspace, and what the compiler says about them.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SnippetProgram } from './compose.ts'

const COMPILE_LIMIT_MS = 120_000
/** What readers see as an address becomes that of the cluster which the test runs. */
const SHOWN_NAMESERVER = /127\.0\.0\.1:9876/g

export interface PlacedProgram extends SnippetProgram {
  readonly file: string
}

/** Writes all programs into a new folder below the root; the caller removes it. */
export function placePrograms(
  root: string,
  programs: readonly SnippetProgram[],
  nameserver: string,
): { folder: string; placed: PlacedProgram[] } {
  mkdirSync(join(root, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(root, '.cache', 'snippets-'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  const helper = './until-printed.ts'
  cpSync(join(import.meta.dirname, helper), join(folder, helper))
  const placed = programs.map((program) => {
    const file = join(folder, `${program.title.replace(/[^\w]+/g, '-')}.ts`)
    writeFileSync(file, program.code.replace(SHOWN_NAMESERVER, nameserver))
    return { ...program, file }
  })
  return { folder, placed }
}

/** Empty when all files compile under the workspace's flags, else the compiler's words. */
export function checkTypes(root: string, folder: string, files: readonly string[]): string {
  const config = {
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: {
      rootDir: root,
      noEmit: true,
      // Those are for people who write packages, not for ten lines on a page.
      isolatedDeclarations: false,
      declaration: false,
      noUnusedLocals: false,
      noUnusedParameters: false,
    },
    files,
  }
  const project = join(folder, 'tsconfig.json')
  writeFileSync(project, JSON.stringify(config))
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [compiler, '-p', project, '--pretty', 'false']
  const options = { cwd: folder, encoding: 'utf8', timeout: COMPILE_LIMIT_MS } as const
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, options)
  if (error !== undefined) throw error
  return status === 0 ? '' : `${stdout}${stderr}`
}
