// `npm pack` of what was built.
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

export interface Packed {
  /** Path of the .tgz. */
  readonly file: string
  readonly size: number
  readonly unpackedSize: number
  readonly paths: readonly string[]
}

interface PackReport {
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly { readonly path: string }[]
}

/** Packs the package in `folder` into `target`, running no scripts. */
export function pack(folder: string, target: string): Packed {
  mkdirSync(target, { recursive: true })
  const args = ['pack', folder, '--json', '--ignore-scripts', '--pack-destination', target]
  const windows = process.platform === 'win32'
  const output = execFileSync('npm', args, { cwd: folder, encoding: 'utf8', shell: windows })
  // npm 12 answers an object by name, the ones before it a list.
  const report = Object.values(JSON.parse(output) as Record<string, PackReport>)[0]!
  const name = report.filename.replace(/^@/, '').replace('/', '-')
  return {
    file: join(target, name),
    size: report.size,
    unpackedSize: report.unpackedSize,
    paths: report.files.map(({ path }) => path).sort(),
  }
}
