/**
 * The text of a properties file with some values changed: lines of those keys are replaced where
 * they are, keys without a line are added at the end, all else (comments, order, unknown keys)
 * stays as it is. Values are single words.
 */
export function editProperties(text: string, changes: ReadonlyMap<string, string>): string {
  const missing = new Map(changes)
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n')
  let continues = false
  const edited = lines.map((line) => {
    const isContinuation = continues
    continues = !isComment(line) && /(^|[^\\])(\\\\)*\\$/.test(line)
    if (isContinuation || continues || isComment(line)) return line
    const key = /^\s*([^\s=:]+)\s*[=:\s]/.exec(line)?.[1] ?? line.trim()
    const value = changes.get(key)
    if (value === undefined) return line
    missing.delete(key)
    return `${key}=${value}`
  })
  for (const [key, value] of missing) edited.push(`${key}=${value}`)
  return edited.length === 0 ? '' : `${edited.join('\n')}\n`
}

function isComment(line: string): boolean {
  return /^\s*[#!]/.test(line)
}
