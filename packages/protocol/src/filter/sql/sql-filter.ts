import { type Decoded, isMalformed, Malformed } from '@apogee/base'
import type { BooleanExpression } from './ast.ts'
import { type Condition, evaluateCondition, FAILED, type PropertyLookup } from './evaluate.ts'
import { parseSql } from './parser.ts'

/** Limits of an expression, and one choice. */
export interface SqlOptions {
  /** Characters. Default 2,048. */
  readonly maxLength?: number
  /** Levels of brackets and prefixes, and links in chains of comparisons. Default 64, never above 256. */
  readonly maxDepth?: number
  /**
   * RocketMQ reads as far as its grammar goes and ignores the rest: `a = 1 b` is `a = 1`, and `a LIKE 'x%'` is just `a`,
   * which never holds. Default false: an expression is all understood or refused (SQL_REST).
   */
  readonly ignoreRest?: boolean
}

const DEFAULT_MAX_LENGTH = 2048
const DEFAULT_MAX_DEPTH = 64
/** What the stack certainly bears. */
const HIGHEST_MAX_DEPTH = 256

/** A compiled SQL92 expression; holds no state, so one serves all messages. */
export class SqlFilter {
  readonly expression: string
  private readonly root: BooleanExpression

  constructor(expression: string, root: BooleanExpression) {
    this.expression = expression
    this.root = root
  }

  /** Whether a message with these properties passes. Unknown is no, and so is an expression that fails. Never throws. */
  matches(properties: PropertyLookup): boolean {
    return evaluateCondition(this.root, properties) === true
  }

  /** true, false, `null` for unknown, or 'failed' when a property cannot be read as its comparison wants. */
  evaluate(properties: PropertyLookup): boolean | null | 'failed' {
    const value: Condition = evaluateCondition(this.root, properties)
    return value === FAILED ? 'failed' : value
  }
}

/**
 * Compiles an expression (Java SqlFilter, SelectorParser). Errors, with the index of a character in the detail:
 * SQL_TOO_LONG, SQL_TOO_DEEP, SQL_LEXICAL, SQL_SYNTAX, SQL_REST, SQL_NOT_A_CONDITION, SQL_OPERAND, SQL_BETWEEN_BOUNDS,
 * SQL_NUMBER_RANGE.
 */
export function compileSql(expression: string, options: SqlOptions = {}): Decoded<SqlFilter> {
  const maxLength = options.maxLength ?? DEFAULT_MAX_LENGTH
  if (expression.length > maxLength) {
    const detail = `${expression.length} characters, at most ${maxLength}`
    return new Malformed('SQL_TOO_LONG', detail)
  }
  const root = parseSql(expression, {
    maxDepth: Math.min(options.maxDepth ?? DEFAULT_MAX_DEPTH, HIGHEST_MAX_DEPTH),
    ignoreRest: options.ignoreRest ?? false,
  })
  return isMalformed(root) ? root : new SqlFilter(expression, root)
}
