// Text of others on a terminal: what could move the cursor, or colour it, is shown instead of done.

const CONTROL = /[\p{Cc}\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu
const CONTROL_BUT_BREAKS = /(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** On one line: line breaks and all other controls become `\n`, `\x1b`, `\u202e`. */
export function printableLine(text: string): string {
  return text.replace(CONTROL, escaped)
}

/** The same, but line breaks and tabs stay. */
export function printableText(text: string): string {
  return text.replace(CONTROL_BUT_BREAKS, escaped)
}

function escaped(character: string): string {
  const named = NAMED[character]
  if (named !== undefined) return named
  const code = character.charCodeAt(0)
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`
}
