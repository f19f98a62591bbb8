// Code blocks of a page, with what the comments before them say:
//
//   <!-- snippet: name=connect -->                 the next ```ts block can be named by others
//   <!-- snippet: setup=connect,orders after=end --> runs after those two and before that one
//   <!-- snippet: name=orders
//   const orders = mq.topic('orders')
//   -->                                            code that readers do not see
//
// `// → text` at the end of a line is what that line prints: the output must have these texts, in this order.

export interface Snippet {
  readonly page: string
  /** Of the line after the fence. */
  readonly line: number
  readonly name: string | null
  /** Hidden ones run only where they are named. */
  readonly hidden: boolean
  readonly setup: readonly string[]
  readonly after: readonly string[]
  readonly code: string
}

interface Directive {
  readonly name: string | null
  readonly setup: readonly string[]
  readonly after: readonly string[]
}

const NOTHING: Directive = { name: null, setup: [], after: [] }
const KEYS = new Set(['name', 'setup', 'after'])

/** Throws when a comment is not of the form above, or names twice. */
export function extractSnippets(page: string, text: string): Snippet[] {
  const lines = text.split('\n')
  const snippets: Snippet[] = []
  let directive = NOTHING
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!
    const comment = /^<!-- snippet:(.*)$/.exec(line)?.[1]
    if (comment !== undefined) {
      const rest = comment.replace(/-->\s*$/, '')
      directive = readDirective(rest, `${page}:${at + 1}`)
      if (rest !== comment) continue
      const end = endOf(lines, at + 1, /^-->$/, page)
      snippets.push(snippet(page, at + 1, directive, true, lines.slice(at + 1, end)))
      directive = NOTHING
      at = end
    } else if (line.startsWith('```')) {
      const end = endOf(lines, at + 1, /^```\s*$/, page)
      if (/^```(?:ts|typescript)\s*$/.test(line)) {
        snippets.push(snippet(page, at + 1, directive, false, lines.slice(at + 1, end)))
      } else if (directive !== NOTHING) throw new Error(`${page}:${at + 1}: not a ts block`)
      directive = NOTHING
      at = end
    } else if (line.trim() !== '' && directive !== NOTHING) {
      throw new Error(`${page}:${at + 1}: a snippet comment stands right before its block`)
    }
  }
  checkNames(snippets)
  return snippets
}

function snippet(
  page: string,
  before: number,
  directive: Directive,
  hidden: boolean,
  lines: readonly string[],
): Snippet {
  return { page, line: before + 1, hidden, ...directive, code: lines.join('\n') }
}

function readDirective(text: string, place: string): Directive {
  const pairs = text.trim().split(/\s+/)
  const values = new Map<string, string>()
  for (const pair of pairs) {
    const [, key, value] = /^(\w+)=([\w,-]+)$/.exec(pair) ?? []
    if (key === undefined || value === undefined || !KEYS.has(key)) {
      throw new Error(`${place}: ${pair} is none of ${[...KEYS].join(', ')}`)
    }
    values.set(key, value)
  }
  const list = (key: string): string[] => values.get(key)?.split(',') ?? []
  return { name: values.get('name') ?? null, setup: list('setup'), after: list('after') }
}

function endOf(lines: readonly string[], from: number, end: RegExp, page: string): number {
  const at = lines.findIndex((line, index) => index >= from && end.test(line))
  if (at < 0) throw new Error(`${page}:${from}: has no end`)
  return at
}

function checkNames(snippets: readonly Snippet[]): void {
  const names = snippets.flatMap(({ name }) => name ?? [])
  for (const { page, line, hidden, name, setup, after } of snippets) {
    if (hidden && name === null) throw new Error(`${page}:${line}: hidden, and without a name`)
    const twice = names.filter((one) => one === name).length > 1
    if (twice) throw new Error(`${page}:${line}: ${name} is there twice`)
    const unknown = [...setup, ...after].find((one) => !names.includes(one))
    if (unknown !== undefined) throw new Error(`${page}:${line}: no block is named ${unknown}`)
  }
}
