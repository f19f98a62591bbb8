// How Java reads numbers from text (Integer.valueOf, Long.valueOf, Double.valueOf). Only ASCII digits count here; Java
// also takes the digits of other scripts, and hexadecimal doubles.

const INT_MIN = -0x80000000
const INT_MAX = 0x7fffffff
const LONG_MIN = -0x8000_0000_0000_0000n
const LONG_MAX = 0x7fff_ffff_ffff_ffffn
/** Any number of so many digits is exact as a double. */
const EXACT_DIGITS = 15

/** NaN when the text is no int. */
export function parseJavaInt(text: string): number {
  const value = isInteger(text) ? Number(text) : Number.NaN
  return value >= INT_MIN && value <= INT_MAX ? value : Number.NaN
}

/** `null` when the text is no long; a bigint only where a double would not be exact. */
export function parseJavaLong(text: string): number | bigint | null {
  if (!isInteger(text)) return null
  if (text.length <= EXACT_DIGITS) return Number(text)
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return value >= LONG_MIN && value <= LONG_MAX ? value : null
}

function isInteger(text: string): boolean {
  const first = text.charCodeAt(0)
  const start = first === 0x2b || first === 0x2d ? 1 : 0
  if (text.length === start) return false
  for (let i = start; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c < 0x30 || c > 0x39) return false
  }
  return true
}

/** `null` when the text is no double. Blanks around it and a final f or d are allowed. */
export function parseJavaDouble(text: string): number | null {
  let end = text.length
  let at = 0
  while (at < end && text.charCodeAt(at) <= 0x20) at++
  while (end > at && text.charCodeAt(end - 1) <= 0x20) end--
  const start = at
  if (text[at] === '+' || text[at] === '-') at++
  const word = text.slice(at, end)
  if (word === 'NaN') return Number.NaN
  if (word === 'Infinity') return text[start] === '-' ? -Infinity : Infinity

  const wholeEnd = skipDigits(text, at)
  const fractionAt = text[wholeEnd] === '.' ? wholeEnd + 1 : wholeEnd
  const fractionEnd = skipDigits(text, fractionAt)
  if (wholeEnd === at && fractionEnd === fractionAt) return null
  const exponentEnd = skipExponent(text, fractionEnd)
  if (exponentEnd < 0) return null
  const suffix = text[exponentEnd]
  const isSuffix = suffix === 'f' || suffix === 'F' || suffix === 'd' || suffix === 'D'
  if ((isSuffix ? exponentEnd + 1 : exponentEnd) !== end) return null
  return Number(text.slice(start, exponentEnd))
}

function skipDigits(text: string, at: number): number {
  for (;;) {
    const c = text.charCodeAt(at)
    if (!(c >= 0x30 && c <= 0x39)) return at
    at++
  }
}

/** The end of an exponent at `at`; `at` when there is none, -1 when it has no digits. */
function skipExponent(text: string, at: number): number {
  if (text[at] !== 'e' && text[at] !== 'E') return at
  const digitsAt = text[at + 1] === '+' || text[at + 1] === '-' ? at + 2 : at + 1
  const end = skipDigits(text, digitsAt)
  return end === digitsAt ? -1 : end
}
