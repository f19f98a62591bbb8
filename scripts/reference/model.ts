// What the pages are made from: every public name with its declaration taken apart.

export type DocumentedKind = 'class' | 'interface' | 'type' | 'function' | 'value'

export interface Member {
  readonly name: string
  readonly kind: 'constructor' | 'method' | 'property'
  readonly optional: boolean
  /** On one line, without comments; of a method as a function type. */
  readonly type: string
  /** The whole declaration on as many lines as it has, without comments. */
  readonly signature: string
  readonly doc: string
}

export interface Documented {
  readonly name: string
  readonly kind: DocumentedKind
  /** Declarations without members and comments; overloads one below the other. */
  readonly signature: string
  readonly doc: string
  /** Public members of a class, properties of an interface, or of a value that is an object. */
  readonly members: readonly Member[]
}

/** The value of `Default: x.` or `Default x.` in a docstring, and the rest of it. */
export function splitDefault(doc: string): { text: string; value: string | null } {
  const found = /(?:^|\s)Default:?\s+(.+?)(?:\.(?=\s|$)|$)/s.exec(doc)
  if (found === null) return { text: doc, value: null }
  const before = doc.slice(0, found.index)
  const after = doc.slice(found.index + found[0].length)
  return { text: `${before} ${after}`.trim(), value: found[1]!.replace(/\s+/g, ' ') }
}
