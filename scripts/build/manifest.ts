// The package.json of a published package.
import { NODE_RANGE, type PublishedPackage } from './published.ts'

export interface ManifestInput {
  readonly published: PublishedPackage
  readonly version: string
  /** Command → launcher, as the workspace package has it. */
  readonly bins: Readonly<Record<string, string>>
  /** What the workspace package depends on, with exact versions. */
  readonly dependencies: Readonly<Record<string, string>>
  /** What the code that is shipped imports. */
  readonly externals: ReadonlySet<string>
  /** Top folders and files besides package.json. */
  readonly contents: readonly string[]
}

export type Manifest = Readonly<Record<string, unknown>>

export function manifestOf(input: ManifestInput): Manifest {
  const { published, version, contents, bins } = input
  const dependencies = [...input.externals].sort().map((name) => {
    const range = input.dependencies[name]
    if (range === undefined) throw new Error(`${published.name} imports ${name}: not a dependency`)
    return [name, range] as const
  })
  const exports = Object.entries(published.exports).map(([subpath, file]) => {
    const compiled = file.replace(/^src\//, './dist/')
    // No `import` condition: require() gets the same module.
    const types = compiled.replace(/\.ts$/, '.d.ts')
    return [subpath, { types, default: compiled.replace(/\.ts$/, '.js') }] as const
  })
  const hasBins = Object.keys(bins).length > 0
  return {
    name: published.name,
    version,
    description: published.description,
    keywords: published.keywords,
    license: 'Apache-2.0',
    type: 'module',
    engines: { node: NODE_RANGE },
    sideEffects: false,
    ...(hasBins ? { bin: bins } : {}),
    exports: { ...Object.fromEntries(exports), './package.json': './package.json' },
    files: contents,
    ...(dependencies.length > 0 ? { dependencies: Object.fromEntries(dependencies) } : {}),
    // Only declarations need it, and only who compiles against them.
    peerDependencies: { '@types/node': '>=22' },
    peerDependenciesMeta: { '@types/node': { optional: true } },
  }
}
