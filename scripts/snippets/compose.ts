// Snippets become programs: setup, block, end, with one import of each module.
import type { Snippet } from './extract.ts'

export interface SnippetProgram {
  /** `first-send.md:12`. */
  readonly title: string
  readonly code: string
  /** What must be in the output, in this order. */
  readonly prints: readonly string[]
}

const IMPORT = /^import (type )?(?:\{([^}]*)\}|(\* as \w+|\w+)) from '([^']+)'\n?/gm
const PRINTS = /\/\/ → (.+)$/gm

/** One program for each block that readers see. */
export function composePrograms(snippets: readonly Snippet[]): SnippetProgram[] {
  const byName = new Map(snippets.flatMap((one) => (one.name === null ? [] : [[one.name, one]])))
  return snippets
    .filter(({ hidden }) => !hidden)
    .map((one) => {
      const parts = partsOf(one, byName, new Set())
      const prints = [...one.code.matchAll(PRINTS)].map(([, text]) => text!.trim())
      const body = parts.map((part) => part.code).join('\n')
      const code = mergeImports(prints.length > 0 ? waiting(body, prints) : body)
      return { title: `${one.page}:${one.line}`, code, prints }
    })
}

/** A handler prints later: what was opened stays open until then. */
function waiting(body: string, prints: readonly string[]): string {
  const texts = JSON.stringify(prints)
  return `import { untilPrinted } from './until-printed.ts'\n${body}\nawait untilPrinted(${texts})\n`
}

/** The block with everything that it names, and what these name, each once. */
function partsOf(
  one: Snippet,
  byName: ReadonlyMap<string, Snippet>,
  taken: Set<Snippet>,
): Snippet[] {
  if (taken.has(one)) return []
  taken.add(one)
  const named = (names: readonly string[]): Snippet[] =>
    names.flatMap((name) => partsOf(byName.get(name)!, byName, taken))
  const before = named(one.setup)
  return [...before, one, ...named(one.after)]
}

/** Imports of all parts stand at the top, each name once. */
export function mergeImports(code: string): string {
  const names = new Map<string, Set<string>>()
  const others = new Set<string>()
  const rest = code.replace(
    IMPORT,
    (whole, typeOnly: string, braces: string, _other, from: string) => {
      if (braces === undefined) others.add(whole.trimEnd())
      else {
        const list = names.get(from) ?? new Set()
        names.set(from, list)
        for (const part of braces.split(',')) {
          const name = part.trim()
          if (name !== '') list.add(typeOnly === undefined ? name : `type ${name}`)
        }
      }
      return ''
    },
  )
  const lines = [...names].map(([from, list]) => {
    // A value can be used as a type, not the other way round.
    const kept = [...list].filter(
      (name) => !list.has(name.replace(/^type /, '')) || !name.startsWith('type '),
    )
    return `import { ${kept.join(', ')} } from '${from}'`
  })
  return `${[...others, ...lines].join('\n')}\n${rest.trim()}\nexport {}\n`
}
