// What tsc has written, with everything that each file names.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { API } from 'typescript/unstable/sync'
import { type ModuleShape, shapeOf } from './module-shape.ts'
import { collectReferences, type References } from './references.ts'

export interface EmittedFile {
  readonly text: string
  readonly references: References
  readonly shape: ModuleShape
}

/** By path from the output folder, which is the path from packages/: `client/src/mod.js`. */
export type Emitted = ReadonlyMap<string, EmittedFile>

const CODE = /\.(?:js|d\.ts)$/

export function readEmitted(folder: string): Emitted {
  const config = join(folder, 'tsconfig.json')
  const compilerOptions = { allowJs: true, noLib: true, noResolve: true, types: [] }
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const files = names.map((name) => name.replaceAll('\\', '/')).filter((path) => CODE.test(path))
  // By name: a pattern would leave out each .js that has a .d.ts beside it.
  writeFileSync(config, JSON.stringify({ compilerOptions, files }))
  const emitted = new Map<string, EmittedFile>()
  const api = new API({ cwd: folder })
  try {
    const program = api.updateSnapshot({ openProjects: [config] }).getProject(config)?.program
    for (const path of files) {
      const tree = program?.getSourceFile(join(folder, path))
      if (tree === undefined) throw new Error(`${path} was compiled and cannot be read`)
      const text = readFileSync(join(folder, path), 'utf8')
      emitted.set(path, { text, references: collectReferences(tree), shape: shapeOf(tree) })
    }
  } finally {
    api.close()
  }
  return emitted
}
