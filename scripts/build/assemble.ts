// Takes from the compiled workspace what one published package needs, and makes every reference fit the new places:
//
//   dist/…         the package's own code          packages/<source>/src/…
//   lib/<pkg>/…    what it needs of the others     packages/<pkg>/src/…
import { posix } from 'node:path'
import type { Emitted } from './emitted.ts'
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

interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
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
  readonly #files = new Map<string, string>()
  readonly #externals = new Set<string>()

  constructor(published: PublishedPackage, emitted: Emitted, workspace: WorkspaceExports) {
    this.#published = published
    this.#emitted = emitted
    this.#workspace = workspace
  }

  run(): Assembled {
    const { source, exports, programs } = this.#published
    const entries = Object.values(exports).map((file) => `${source}/${file}`)
    this.#open.push(...programs.map((file) => compiledName(`${source}/${file}`, false)))
    for (const entry of entries) {
      this.#open.push(compiledName(entry, false), compiledName(entry, true))
    }
    const seen = new Set<string>()
    for (let path = this.#open.pop(); path !== undefined; path = this.#open.pop()) {
      if (seen.has(path)) continue
      seen.add(path)
      this.#take(path)
    }
    for (const entry of entries) {
      const path = this.#placeOf(compiledName(entry, true))
      this.#files.set(path, NODE_TYPES + this.#files.get(path))
    }
    return { files: this.#files, externals: this.#externals }
  }

  #take(path: string): void {
    const file = this.#emitted.get(path)
    if (file === undefined) throw new Error(`${path} is needed and was not compiled`)
    if (NOT_FOR_USERS.test(path)) throw new Error(`${path} is for tests, and something needs it`)
    const [unknown] = file.references.unknown
    if (unknown !== undefined) {
      throw new Error(`${path}, ${unknown}: names a file in a way that the build does not know`)
    }
    const edits: Edit[] = []
    for (const reference of file.references.found) {
      const text = this.#follow(path, reference)
      if (text === null) continue
      edits.push({ start: reference.start, end: reference.end, text })
    }
    this.#files.set(this.#placeOf(path), applyEdits(file.text, edits))
  }

  /** Sees to it that what is named will be there. Returns its new name, or null when the old one is right. */
  #follow(from: string, reference: Reference): string | null {
    const { kind, specifier } = reference
    const isRelative = specifier.startsWith('.')
    const source = isRelative ? null : this.#workspace.get(specifier)
    if (kind === 'module' && !isRelative && source === undefined) {
      this.#external(from, specifier)
      return null
    }
    if (!isRelative && kind === 'file') throw new Error(`${from}: ${specifier} is no file of ours`)
    const named = source ?? posix.join(posix.dirname(from), specifier)
    if (named === `${packageOf(from)}/${MANIFEST}`) {
      return relativeName(this.#placeOf(from), MANIFEST)
    }
    const target = reference.whole
      ? compiledName(named, kind === 'module' && from.endsWith('.d.ts'))
      : this.#onlyMatch(from, named)
    this.#open.push(target)
    if (!reference.whole) return null
    return relativeName(this.#placeOf(from), this.#placeOf(target).replace(/\.d\.ts$/, '.js'))
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

function relativeName(from: string, to: string): string {
  const name = posix.relative(posix.dirname(from), to)
  return name.startsWith('.') ? name : `./${name}`
}

function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = text
  for (const { start, end, text: inserted } of edits.toSorted((a, b) => b.start - a.start)) {
    result = result.slice(0, start) + inserted + result.slice(end)
  }
  return result
}
