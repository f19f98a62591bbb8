import { type Decoded, isMalformed, Malformed } from '@apogee/base'
import type { BooleanExpression, ComparisonOperator, Expression, TextOperator } from './ast.ts'
import * as build from './build.ts'
import { Lexer, type Token } from './lexer.ts'

// The grammar of RocketMQ's filter module (SQL92 without LIKE and arithmetic):
//
//   or         = and { OR and }
//   and        = equality { AND equality }
//   equality   = comparison { ("=" | "<>") comparison | IS [NOT] NULL }
//   comparison = unary { (">" | ">=" | "<" | "<=") unary
//                      | [NOT] (CONTAINS | STARTSWITH | ENDSWITH) string
//                      | [NOT] BETWEEN unary AND unary
//                      | [NOT] IN "(" string { "," string } ")" }
//   unary      = ("+" | "-" | NOT) unary | primary
//   primary    = string | number | TRUE | FALSE | NULL | property | "(" or ")"
//
// NOT binds tighter than any comparison: `NOT a = 1` is `(NOT a) = 1`.

export interface ParseOptions {
  /** Depth of nesting. */
  readonly maxDepth: number
  /** Read as far as the grammar goes and ignore the rest, as RocketMQ's parser does. */
  readonly ignoreRest: boolean
}

/** Carries an error out of the depth of the parser; never leaves `parseSql`. */
class ParseFailure {
  readonly error: Malformed

  constructor(error: Malformed) {
    this.error = error
  }
}

/**
 * Parses and checks an expression. Errors: SQL_LEXICAL, SQL_SYNTAX, SQL_REST (something follows the expression),
 * SQL_TOO_DEEP, and those of build.ts; all name the index of a character.
 */
export function parseSql(source: string, options: ParseOptions): Decoded<BooleanExpression> {
  try {
    return new Parser(source, options).parse()
  } catch (failure) {
    if (failure instanceof ParseFailure) return failure.error
    throw failure
  }
}

class Parser {
  private readonly lexer: Lexer
  private readonly options: ParseOptions
  private token: Token
  private depth = 0
  /** Links of comparison chains after the first of each (`a = b = c` has one): these make depth too. */
  private extraLinks = 0

  constructor(source: string, options: ParseOptions) {
    this.lexer = new Lexer(source)
    this.options = options
    this.token = need(this.lexer.next())
  }

  parse(): BooleanExpression {
    const at = this.token.at
    const expression = need(build.asCondition(this.or(), at))
    if (this.token.kind !== 'end' && !this.options.ignoreRest) {
      throw failure('SQL_REST', `the expression ends before ${describe(this.token)}`)
    }
    return expression
  }

  private or(): Expression {
    return this.chain('OR', 'or', () => this.chain('AND', 'and', () => this.equality()))
  }

  /** Chains are one node however long, so that only brackets and prefixes make depth. */
  private chain(keyword: string, kind: 'and' | 'or', next: () => Expression): Expression {
    let at = this.token.at
    const first = next()
    if (!this.isKeyword(keyword)) return first
    const terms = [need(build.asCondition(first, at))]
    while (this.acceptKeyword(keyword)) {
      at = this.token.at
      terms.push(need(build.asCondition(next(), at)))
    }
    return { kind, terms }
  }

  private equality(): Expression {
    let left = this.comparison()
    for (let links = 0; ; links++) {
      const at = this.token.at
      if (this.isSymbol('=') || this.isSymbol('<>')) {
        const not = this.advance().text === '<>'
        left = need(build.equal(left, this.comparison(), not, at))
      } else if (this.acceptKeyword('IS')) {
        const not = this.acceptKeyword('NOT')
        this.expectKeyword('NULL')
        left = build.isNullTest(left, not)
      } else {
        return left
      }
      if (links > 0) this.checkDepth(++this.extraLinks)
    }
  }

  private comparison(): Expression {
    let left = this.unary()
    for (let links = 0; ; links++) {
      const next = this.comparisonLink(left)
      if (next === null) return left
      left = next
      if (links > 0) this.checkDepth(++this.extraLinks)
    }
  }

  /** One operator after `left` with what it takes; `null` when none follows. */
  private comparisonLink(left: Expression): Expression | null {
    const at = this.token.at
    if (this.token.kind === 'symbol') {
      const operator = this.token.text
      if (!isComparisonOperator(operator)) return null
      this.advance()
      return need(build.comparison(operator, left, this.unary(), at))
    }
    const not = this.acceptKeyword('NOT')
    const keyword = this.token.kind === 'keyword' ? this.token.text : ''
    if (isTextOperator(keyword)) {
      this.advance()
      return { kind: 'text', operator: keyword, operand: left, search: this.string(), not }
    }
    if (this.acceptKeyword('BETWEEN')) {
      const low = this.unary()
      this.expectKeyword('AND')
      return need(build.between(left, low, this.unary(), not, at))
    }
    if (this.acceptKeyword('IN')) return need(build.inList(left, this.list(), not, at))
    if (not) throw this.unexpected('BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH')
    return null
  }

  private list(): string[] {
    this.expectSymbol('(')
    const values = [this.string()]
    while (this.isSymbol(',')) {
      this.advance()
      values.push(this.string())
    }
    this.expectSymbol(')')
    return values
  }

  private unary(): Expression {
    this.checkDepth(++this.depth)
    const expression = this.prefixed()
    this.depth--
    return expression
  }

  private prefixed(): Expression {
    const at = this.token.at
    if (this.isSymbol('+')) {
      this.advance()
      return this.unary()
    }
    if (this.isSymbol('-')) {
      this.advance()
      return build.negate(this.unary())
    }
    if (this.acceptKeyword('NOT')) {
      return { kind: 'not', operand: need(build.asCondition(this.unary(), at)) }
    }
    return this.primary()
  }

  private primary(): Expression {
    const token = this.token
    if (this.isSymbol('(')) {
      this.advance()
      const inner = this.or()
      this.expectSymbol(')')
      return inner
    }
    switch (token.kind === 'keyword' ? token.text : token.kind) {
      case 'string':
        return { kind: 'literal', value: this.advance().text }
      case 'decimal':
        return need(build.decimalLiteral(this.advance().text, token.at))
      case 'floating':
        return need(build.floatingLiteral(this.advance().text, token.at))
      case 'id':
        return { kind: 'property', name: this.advance().text }
      case 'TRUE':
      case 'FALSE':
        return { kind: 'literal', value: this.advance().text === 'TRUE' }
      case 'NULL':
        this.advance()
        return { kind: 'literal', value: null }
      default:
        throw this.unexpected('a value, a property or "("')
    }
  }

  private string(): string {
    if (this.token.kind !== 'string') throw this.unexpected('a string')
    return this.advance().text
  }

  private checkDepth(depth: number): void {
    if (depth <= this.options.maxDepth) return
    throw failure('SQL_TOO_DEEP', `over ${this.options.maxDepth} levels at ${this.token.at}`)
  }

  private advance(): Token {
    const token = this.token
    this.token = need(this.lexer.next())
    return token
  }

  private isSymbol(text: string): boolean {
    return this.token.kind === 'symbol' && this.token.text === text
  }

  private isKeyword(text: string): boolean {
    return this.token.kind === 'keyword' && this.token.text === text
  }

  private acceptKeyword(text: string): boolean {
    if (!this.isKeyword(text)) return false
    this.advance()
    return true
  }

  private expectKeyword(text: string): void {
    if (!this.acceptKeyword(text)) throw this.unexpected(text)
  }

  private expectSymbol(text: string): void {
    if (!this.isSymbol(text)) throw this.unexpected(`"${text}"`)
    this.advance()
  }

  private unexpected(wanted: string): ParseFailure {
    return failure('SQL_SYNTAX', `${wanted} expected, not ${describe(this.token)}`)
  }
}

function need<T>(value: Decoded<T>): T {
  if (isMalformed(value)) throw new ParseFailure(value)
  return value as T
}

function failure(code: string, detail: string): ParseFailure {
  return new ParseFailure(new Malformed(code, detail))
}

function describe(token: Token): string {
  if (token.kind === 'end') return `the end at ${token.at}`
  return `${JSON.stringify(token.text.slice(0, 40))} at ${token.at}`
}

function isComparisonOperator(text: string): text is ComparisonOperator {
  return text === '>' || text === '>=' || text === '<' || text === '<='
}

function isTextOperator(text: string): text is TextOperator {
  return text === 'CONTAINS' || text === 'STARTSWITH' || text === 'ENDSWITH'
}
