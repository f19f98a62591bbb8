// Takes from the compiled workspace what one published package needs, and makes every reference fit the new places:
//
//   dist/…         the package's own code          packages/<source>/src/…
//   lib/<pkg>/…    what it needs of the others     packages/<pkg>/src/…
//
// Declarations keep their files. Code is bundled: only what is loaded by name keeps its own.
import { posix } from 'node:path'
import { type BundledModule, bundle, type NamedFile, relativeName } from './bundle.ts'
import { applyEdits, type Edit } from './edits.ts'
import type { Emitted, EmittedFile } from './emitted.ts'
import type { PublishedPackage } from './published.ts'
import type { Reference } from './references.ts'

/** Specifier of a workspace package → path of its source from packages/: `@apogee/env/node` → `env/src/node/mod.ts`. */
export type WorkspaceExports = ReadonlyMap<string, string>

export interface Assembled {
  /** Path in the published package → text. */
  readonly files: ReadonlyMap<string, string>
  /** Names of packages from the registry that the code imports. */
  readonly externals: ReadonlySet<string>
}

const NOT_FOR_USERS = /(?:^|\/)(?:testing|testdata)\/|\.test\.|(?:^|\/)test-[^/]*$/
const MANIFEST = 'package.json'
/** Without it a compiler whose `types` is empty knows no Buffer. */
const NODE_TYPES = '/// <reference types="node" />\n'

export function assemble(
  published: PublishedPackage,
  emitted: Emitted,
  workspace: WorkspaceExports,
): Assembled {
  return new Assembly(published, emitted, workspace).run()
}

class Assembly {
  readonly #published: PublishedPackage
  readonly #emitted: Emitted
  readonly #workspace: WorkspaceExports
  readonly #open: string[] = []
  readonly #declarations = new Map<string, string>()
  readonly #modules = new Map<string, BundledModule>()
  readonly #entries = new Set<string>()
  readonly #externals = new Set<string>()

  constructor(published: PublishedPackage, emitted: Emitted, workspace: WorkspaceExports) {
    this.#published = published
    this.#emitted = emitted
    this.#workspace = workspace
  }

  run(): Assembled {
    const { source, exports, programs } = this.#published
    const visible = Object.values(exports).map((file) => `${source}/${file}`)
    for (const path of [...visible, ...programs.map((file) => `${source}/${file}`)]) {
      this.#entries.add(compiledName(path, false))
    }
    this.#open.push(...this.#entries, ...visible.map((path) => compiledName(path, true)))
    const seen = new Set<string>()
    for (let path = this.#open.pop(); path !== undefined; path = this.#open.pop()) {
      if (seen.has(path)) continue
      seen.add(path)
      this.#take(path)
    }
    for (const entry of visible) {
      const path = this.#placeOf(compiledName(entry, true))
      this.#declarations.set(path, NODE_TYPES + this.#declarations.get(path))
    }
    const code = bundle({
      modules: this.#modules,
      entries: [...this.#entries],
      placeOf: (path) => this.#placeOf(path),
    })
    return { files: new Map([...code, ...this.#declarations]), externals: this.#externals }
  }

  #take(path: string): void {
    const file = this.#emitted.get(path)
    if (file === undefined) throw new Error(`${path} is needed and was not compiled`)
    if (NOT_FOR_USERS.test(path)) throw new Error(`${path} is for tests, and something needs it`)
    const [unknown] = file.references.unknown
    if (unknown !== undefined) {
      throw new Error(`${path}, ${unknown}: names a file in a way that the build does not know`)
    }
    if (path.endsWith('.d.ts')) this.#declaration(path, file)
    else this.#module(path, file)
  }

  #declaration(path: string, { text, references }: EmittedFile): void {
    const edits: Edit[] = []
    const place = this.#placeOf(path)
    for (const reference of references.found) {
      const target = this.#targetOf(path, reference)
      if (target === null) continue
      this.#open.push(target)
      const name = relativeName(place, this.#placeOf(target)).replace(/\.d\.ts$/, '.js')
      edits.push({ start: reference.start, end: reference.end, text: name })
    }
    this.#declarations.set(place, applyEdits(text, edits))
  }

  #module(path: string, { text, references, shape }: EmittedFile): void {
    const targets = new Map<string, string>()
    const named: NamedFile[] = []
    for (const reference of references.found) {
      const target = this.#targetOf(path, reference)
      if (target === null) continue
      const { start, end } = reference
      if (target === MANIFEST) {
        named.push({ start, end, nameFrom: (from) => relativeName(from, MANIFEST) })
        continue
      }
      this.#open.push(target)
      if (reference.kind === 'statement') {
        targets.set(reference.specifier, target)
        continue
      }
      this.#entries.add(target)
      const rest = reference.whole ? '' : this.#restOf(path, reference, target)
      const nameFrom = (from: string): string => {
        const name = relativeName(from, this.#placeOf(target))
        return name.slice(0, name.length - rest.length)
      }
      named.push({ start, end, nameFrom })
    }
    this.#modules.set(path, { path, text, shape, targets, named })
  }

  /** The compiled file that is named, MANIFEST, or null for what is not ours. */
  #targetOf(from: string, reference: Reference): string | null {
    const { kind, specifier } = reference
    const isRelative = specifier.startsWith('.')
    const source = isRelative ? undefined : this.#workspace.get(specifier)
    if (!isRelative && source === undefined) {
      if (kind === 'file') throw new Error(`${from}: ${specifier} is no file of ours`)
      this.#external(from, specifier)
      return null
    }
    const named = source ?? posix.join(posix.dirname(from), specifier)
    if (named === `${packageOf(from)}/${MANIFEST}`) return MANIFEST
    if (!reference.whole) return this.#onlyMatch(from, named)
    return compiledName(named, kind !== 'file' && from.endsWith('.d.ts'))
  }

  #external(from: string, specifier: string): void {
    if (specifier.startsWith('node:')) return
    if (specifier.startsWith('@apogee/')) {
      throw new Error(`${from}: ${specifier} is not an export of the workspace`)
    }
    const [, name] = /^((?:@[^/]+\/)?[^/]+)/.exec(specifier) ?? []
    this.#externals.add(name ?? specifier)
  }

  /** A name of which only the beginning is known stands for the one file that begins so. */
  #onlyMatch(from: string, beginning: string): string {
    const matches = [...this.#emitted.keys()].filter(
      (path) => path.startsWith(beginning) && path.endsWith('.js'),
    )
    if (matches.length !== 1) {
      throw new Error(`${from}: ${beginning}… are ${matches.length} compiled files, not one`)
    }
    return matches[0]!
  }

  #restOf(from: string, { specifier }: Reference, target: string): string {
    return target.slice(posix.join(posix.dirname(from), specifier).length)
  }

  #placeOf(path: string): string {
    const [, owner, rest] = /^([^/]+)\/src\/(.+)$/.exec(path) ?? []
    if (owner === undefined) throw new Error(`${path} is in no package's src/`)
    return owner === this.#published.source ? `dist/${rest}` : `lib/${owner}/${rest}`
  }
}

function packageOf(path: string): string {
  return path.slice(0, path.indexOf('/'))
}

function compiledName(path: string, declaration: boolean): string {
  return path.replace(/(?:\.d)?\.[jt]s$/, declaration ? '.d.ts' : '.js')
}
