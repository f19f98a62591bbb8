import { type Decoded, Malformed } from '@apogee/base'

export interface PropertiesLimits {
  /** Default 1 MiB. */
  readonly bytesMax?: number
  /** Default 10,000. */
  readonly entriesMax?: number
}

/**
 * Writes `key=value` lines, as configuration bodies carry them: 25, 26, 318, 319 (Java: MixAll.properties2String). Java
 * escapes nothing here, so line breaks inside would forge entries: they are written as `\n` and `\r`.
 */
export function formatPropertiesText(entries: ReadonlyMap<string, string>): string {
  let text = ''
  for (const [key, value] of entries) text += `${oneLine(key)}=${oneLine(value)}\n`
  return text
}

function oneLine(text: string): string {
  return text.replaceAll('\n', '\\n').replaceAll('\r', '\\r')
}

/**
 * Reads Java's properties format: `key=value`, `key: value` or `key value` lines, `#` and `!` comments, escapes, and lines
 * continued by a backslash. Of a key that comes twice the last value stands. Codes: PROPERTIES_TOO_LARGE,
 * PROPERTIES_ESCAPE_INVALID.
 */
export function parsePropertiesText(
  bytes: Uint8Array,
  limits: PropertiesLimits = {},
): Decoded<Map<string, string>> {
  const bytesMax = limits.bytesMax ?? 1024 * 1024
  const entriesMax = limits.entriesMax ?? 10_000
  if (bytes.length > bytesMax) return new Malformed('PROPERTIES_TOO_LARGE', `${bytes.length} bytes`)
  const entries = new Map<string, string>()
  for (const line of logicalLines(Buffer.from(bytes).toString())) {
    const end = keyEnd(line)
    const key = plain(line.slice(0, end))
    const value = plain(line.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, ''))
    if (key === null || value === null) {
      return new Malformed('PROPERTIES_ESCAPE_INVALID', line.slice(0, 120))
    }
    entries.set(key, value)
    if (entries.size > entriesMax) return new Malformed('PROPERTIES_TOO_LARGE', 'entries')
  }
  return entries
}

/** Lines without comments, blanks and leading space, those ending in an odd number of backslashes joined to the next. */
function logicalLines(text: string): string[] {
  const lines: string[] = []
  let pieces: string[] = []
  for (const raw of text.split(/\r\n|\r|\n/)) {
    const line = raw.replace(/^[ \t\f]+/, '')
    if (pieces.length === 0 && (line === '' || line[0] === '#' || line[0] === '!')) continue
    if (trailingBackslashes(line) % 2 === 1) {
      pieces.push(line.slice(0, -1))
      continue
    }
    pieces.push(line)
    lines.push(pieces.join(''))
    pieces = []
  }
  if (pieces.length > 0) lines.push(pieces.join(''))
  return lines
}

function trailingBackslashes(line: string): number {
  let count = 0
  while (count < line.length && line[line.length - 1 - count] === '\\') count++
  return count
}

/** Where the key ends: at the first unescaped `=`, `:` or space. */
function keyEnd(line: string): number {
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '\\') i++
    else if ('=: \t\f'.includes(line[i]!)) return i
  }
  return line.length
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' }

/** Null when a `\u` is not followed by four hex digits. */
function plain(text: string): string | null {
  let result = ''
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '\\') {
      result += text[i]
      continue
    }
    const letter = text[++i] ?? ''
    if (letter !== 'u') {
      result += ESCAPES[letter] ?? letter
      continue
    }
    const digits = text.slice(i + 1, i + 5)
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) return null
    result += String.fromCharCode(Number.parseInt(digits, 16))
    i += 4
  }
  return result
}
