/**
 * The text of a properties file with some values changed: lines of those keys are replaced where
 * they are, with the lines that continue them; keys without a line are added at the end, all else
 * (comments, order, unknown keys) stays as it is.
 */
export function editProperties(text: string, changes: ReadonlyMap<string, string>): string {
  const missing = new Map(changes)
  const edited: string[] = []
  for (const entry of logicalLines(text)) {
    const key = keyOf(entry)
    const value = key === null ? undefined : changes.get(key)
    if (key === null || value === undefined) edited.push(entry)
    else {
      missing.delete(key)
      edited.push(oneLine(key, value))
    }
  }
  for (const [key, value] of missing) edited.push(oneLine(key, value))
  return edited.length === 0 ? '' : `${edited.join('\n')}\n`
}

/** Lines with those that continue them: after an odd number of backslashes an entry goes on. */
function logicalLines(text: string): string[] {
  const entries: string[] = []
  let continues = false
  for (const raw of text === '' ? [] : text.replace(/\n$/, '').split('\n')) {
    if (continues) entries[entries.length - 1] += `\n${raw}`
    else entries.push(raw)
    const isComment: boolean = !continues && /^\s*[#!]/.test(raw)
    continues = !isComment && /(^|[^\\])(\\\\)*\\\r?$/.test(raw)
  }
  return entries
}

/** Null for a comment and for an empty line. Keys with escapes are none of ours. */
function keyOf(entry: string): string | null {
  const text = entry.trimStart()
  if (text === '' || text[0] === '#' || text[0] === '!') return null
  return /^[^\s=:]+/.exec(text)?.[0] ?? null
}

/**
 * Whatever a value holds, it stays one entry: line breaks, backslashes and all but ASCII are
 * escaped. A value from the wire must not become a second key.
 */
function oneLine(key: string, value: string): string {
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replace(/^ /, '\\ ')
    .replaceAll(/[^\x20-\x7e]/g, unicodeEscape)
  return `${key}=${escaped}`
}

function unicodeEscape(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`
}
