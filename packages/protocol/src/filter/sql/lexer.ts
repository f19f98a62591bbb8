import { type Decoded, Malformed } from '@apogee/base'

export type TokenKind = 'end' | 'id' | 'string' | 'decimal' | 'floating' | 'symbol' | 'keyword'

/** A piece of the expression. */
export interface Token {
  readonly kind: TokenKind
  /** As written; of a keyword in capitals; of a string literal what it stands for. */
  readonly text: string
  /** Index of its first character. */
  readonly at: number
}

const KEYWORDS: ReadonlySet<string> = new Set([
  'NOT',
  'AND',
  'OR',
  'BETWEEN',
  'IN',
  'TRUE',
  'FALSE',
  'NULL',
  'IS',
  'CONTAINS',
  'STARTSWITH',
  'ENDSWITH',
])

/**
 * Cuts an expression into tokens, one at a time, by the rules of RocketMQ's grammar (Java SelectorParser): the longest
 * token wins; keywords in any case; `--` to the end of a line and slash-star comments are blank, but a `--` comment only
 * when its line ends.
 */
export class Lexer {
  private readonly source: string
  private at = 0

  constructor(source: string) {
    this.source = source
  }

  /** The next token. Errors: SQL_LEXICAL. */
  next(): Decoded<Token> {
    this.skipBlank()
    const at = this.at
    const source = this.source
    if (at >= source.length) return { kind: 'end', text: '', at }
    const c = source.charCodeAt(at)
    if (isNameStart(c)) return this.word(at)
    if (isDigit(c) || (c === DOT && isDigit(source.charCodeAt(at + 1)))) return this.number(at)
    if (c === QUOTE) return this.string(at)
    const two = source.slice(at, at + 2)
    if (two === '<>' || two === '<=' || two === '>=') return this.take('symbol', at, at + 2)
    if ('=<>(),+-'.includes(source[at]!)) return this.take('symbol', at, at + 1)
    return new Malformed('SQL_LEXICAL', `unexpected ${JSON.stringify(source[at])} at ${at}`)
  }

  private take(kind: TokenKind, at: number, end: number): Token {
    this.at = end
    return { kind, text: this.source.slice(at, end), at }
  }

  private word(at: number): Token {
    let end = at + 1
    while (isNamePart(this.source.charCodeAt(end))) end++
    const token = this.take('id', at, end)
    const upper = token.text.toUpperCase()
    return KEYWORDS.has(upper) ? { kind: 'keyword', text: upper, at } : token
  }

  /**
   * Decimal: `0`, or digits that do not start with 0, with an optional l. Floating: `5.5 5. .5` with an optional
   * exponent, or digits with an exponent. So `007` is three tokens, but `007.5` is one.
   */
  private number(at: number): Token {
    const source = this.source
    let end = this.digits(at)
    if (source.charCodeAt(end) === DOT) {
      end = this.digits(end + 1)
      return this.take('floating', at, this.exponent(end))
    }
    const exponentEnd = this.exponent(end)
    if (exponentEnd > end) return this.take('floating', at, exponentEnd)
    if (source[at] === '0') return this.take('decimal', at, at + 1)
    const suffix = source[end]
    return this.take('decimal', at, suffix === 'l' || suffix === 'L' ? end + 1 : end)
  }

  private digits(at: number): number {
    while (isDigit(this.source.charCodeAt(at))) at++
    return at
  }

  /** The end of an exponent at `at`, or `at` when there is none. */
  private exponent(at: number): number {
    const mark = this.source[at]
    if (mark !== 'e' && mark !== 'E') return at
    const sign = this.source[at + 1]
    const digitsAt = sign === '+' || sign === '-' ? at + 2 : at + 1
    const end = this.digits(digitsAt)
    return end > digitsAt ? end : at
  }

  /**
   * In a string a quote is written twice. When no single quote ends it, the last pair does, with its first quote: that is
   * the longest string there is.
   */
  private string(at: number): Decoded<Token> {
    let end = at + 1
    let pairAt = -1
    for (;;) {
      const quote = this.source.indexOf("'", end)
      if (quote < 0 && pairAt < 0) {
        return new Malformed('SQL_LEXICAL', `string at ${at} does not end`)
      }
      if (quote < 0) {
        end = pairAt + 1
        break
      }
      end = quote + 1
      if (this.source.charCodeAt(end) !== QUOTE) break
      pairAt = quote
      end++
    }
    this.at = end
    return { kind: 'string', text: this.source.slice(at + 1, end - 1).replaceAll("''", "'"), at }
  }

  private skipBlank(): void {
    const source = this.source
    for (;;) {
      const c = source.charCodeAt(this.at)
      if (c === 0x20 || c === 0x09 || c === 0x0a || c === 0x0c || c === 0x0d) {
        this.at++
        continue
      }
      const end = this.commentEnd()
      if (end < 0) return
      this.at = end
    }
  }

  /** Where the comment at the current place ends; -1 when there is none. */
  private commentEnd(): number {
    const source = this.source
    if (source.startsWith('--', this.at)) {
      for (let i = this.at + 2; i < source.length; i++) {
        const c = source.charCodeAt(i)
        if (c === 0x0a || c === 0x0d) return i + 1
      }
      return -1
    }
    if (!source.startsWith('/*', this.at)) return -1
    const end = source.indexOf('*/', this.at + 2)
    return end < 0 ? -1 : end + 2
  }
}

const DOT = 0x2e
const QUOTE = 0x27

function isDigit(c: number): boolean {
  return c >= 0x30 && c <= 0x39
}

function isNameStart(c: number): boolean {
  return (c >= 0x41 && c <= 0x5a) || (c >= 0x61 && c <= 0x7a) || c === 0x5f || c === 0x24
}

function isNamePart(c: number): boolean {
  return isNameStart(c) || isDigit(c)
}
