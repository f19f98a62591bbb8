import { type Decoded, isMalformed, Malformed } from '@apogee/base'
import type {
  BooleanExpression,
  BooleanLiteral,
  ComparisonOperator,
  Expression,
  Literal,
  Negate,
  SqlNumber,
} from './ast.ts'

// What may be combined with what. RocketMQ refuses these at subscription time (Java ComparisonExpression's checks), and
// so do we: `at` is the place in the expression that the error names.

const INT_MAX = 0x7fffffff
const LONG_MAX = 0x7fff_ffff_ffff_ffffn

/** An int or, when it does not fit one, a long. Errors: SQL_NUMBER_RANGE. */
export function decimalLiteral(text: string, at: number): Decoded<Literal> {
  const digits = /[lL]$/.test(text) ? text.slice(0, -1) : text
  if (digits.length > 19 || BigInt(digits) > LONG_MAX) {
    return new Malformed('SQL_NUMBER_RANGE', `number at ${at} is above 2^63-1`)
  }
  const value = Number(digits)
  const number: SqlNumber =
    value <= INT_MAX
      ? { kind: 'number', type: 'int', value, long: null }
      : { kind: 'number', type: 'long', value, long: BigInt(digits) }
  return { kind: 'literal', value: number }
}

/** A double. Errors: SQL_NUMBER_RANGE. Unlike RocketMQ's we take 0.0, which its check for too small ones catches. */
export function floatingLiteral(text: string, at: number): Decoded<Literal> {
  const value = Number(text)
  if (value === Number.POSITIVE_INFINITY) {
    return new Malformed('SQL_NUMBER_RANGE', `number at ${at} is above the largest double`)
  }
  return { kind: 'literal', value: { kind: 'number', type: 'double', value, long: null } }
}

/** `-operand`. Only numbers have a negative; properties are text, so theirs is always unknown. */
export function negate(operand: Expression): Negate {
  const number = operand.kind === 'negate' ? operand.value : numberOf(operand)
  if (number === null) return { kind: 'negate', operand, value: null }
  // An int has no negative zero, a double has.
  const negative = number.type === 'double' ? -number.value : 0 - number.value
  const long = number.long === null ? null : -number.long
  return { kind: 'negate', operand, value: { ...number, value: negative, long } }
}

/** Whether an expression gives true, false or unknown by its form. */
export function isBooleanExpression(expression: Expression): expression is BooleanExpression {
  switch (expression.kind) {
    case 'literal':
      return expression.value === null || typeof expression.value === 'boolean'
    case 'property':
    case 'negate':
      return false
    default:
      return true
  }
}

/** `expression` where a condition is wanted. Errors: SQL_NOT_A_CONDITION. */
export function asCondition(expression: Expression, at: number): Decoded<BooleanExpression> {
  if (isBooleanExpression(expression)) return expression
  if (expression.kind === 'property') return { kind: 'boolean-cast', operand: expression }
  return new Malformed('SQL_NOT_A_CONDITION', `at ${at} a condition is wanted`)
}

/** `left = right`, or `<>` with `not`. Errors: SQL_OPERAND. */
export function equal(
  left: Expression,
  right: Expression,
  not: boolean,
  at: number,
): Decoded<BooleanExpression> {
  if (isNull(left) || isNull(right)) return operand(at, 'NULL is compared with IS')
  if (isBooleanLiteral(left) && right.kind === 'literal' && !isBooleanLiteral(right)) {
    return operand(at, 'TRUE and FALSE are compared with properties only')
  }
  const node: BooleanExpression = { kind: 'equal', left, right }
  return not ? { kind: 'not', operand: node } : node
}

/** `left IS NULL`, or `IS NOT NULL` with `not`. */
export function isNullTest(left: Expression, not: boolean): BooleanExpression {
  const node: BooleanExpression = { kind: 'equal', left, right: NULL }
  return not ? { kind: 'not', operand: node } : node
}

const NULL: BooleanLiteral = { kind: 'literal', value: null }

/** A comparison by order: of numbers and properties only. Errors: SQL_OPERAND. */
export function comparison(
  operator: ComparisonOperator,
  left: Expression,
  right: Expression,
  at: number,
): Decoded<BooleanExpression> {
  if (!hasOrder(left) || !hasOrder(right)) {
    return operand(at, `${operator} takes numbers and properties`)
  }
  return { kind: 'comparison', operator, left, right }
}

/** `value BETWEEN low AND high` with its bounds, or NOT BETWEEN. Errors: SQL_OPERAND, SQL_BETWEEN_BOUNDS. */
export function between(
  value: Expression,
  low: Expression,
  high: Expression,
  not: boolean,
  at: number,
): Decoded<BooleanExpression> {
  const first = comparison(not ? '<' : '>=', value, low, at)
  if (isMalformed(first)) return first
  const second = comparison(not ? '>' : '<=', value, high, at)
  if (isMalformed(second)) return second
  const lowest = numberOf(low)
  const highest = numberOf(high)
  if (!not && lowest !== null && highest !== null && compareNumbers(highest, lowest) < 0) {
    return new Malformed('SQL_BETWEEN_BOUNDS', `at ${at} the bounds are the wrong way round`)
  }
  return { kind: not ? 'or' : 'and', terms: [first, second] }
}

/** `property IN (…)`. Errors: SQL_OPERAND. */
export function inList(
  left: Expression,
  values: readonly string[],
  not: boolean,
  at: number,
): Decoded<BooleanExpression> {
  if (left.kind !== 'property') return operand(at, 'IN takes a property')
  return { kind: 'in', property: left, values: new Set(values), not }
}

function operand(at: number, what: string): Malformed {
  return new Malformed('SQL_OPERAND', `at ${at}: ${what}`)
}

function isNull(expression: Expression): boolean {
  return expression.kind === 'literal' && expression.value === null
}

function isBooleanLiteral(expression: Expression): boolean {
  return expression.kind === 'literal' && isBooleanExpression(expression)
}

function hasOrder(expression: Expression): boolean {
  if (expression.kind === 'literal') return numberOf(expression) !== null
  return !isBooleanExpression(expression)
}

function numberOf(expression: Expression): SqlNumber | null {
  if (expression.kind !== 'literal') return null
  const value = expression.value
  return value !== null && typeof value === 'object' ? value : null
}

/** Below, at or above zero. Longs are compared exactly; with a double both count as doubles. */
export function compareNumbers(left: SqlNumber, right: SqlNumber): number {
  if (left.type === 'double' || right.type === 'double') {
    return compareDoubles(left.value, right.value)
  }
  if (left.long !== null && right.long !== null) {
    return left.long < right.long ? -1 : left.long > right.long ? 1 : 0
  }
  return left.value < right.value ? -1 : left.value > right.value ? 1 : 0
}

/** The order of java.lang.Double.compare: -0 below 0, NaN above all and equal to itself. */
export function compareDoubles(left: number, right: number): number {
  if (left < right) return -1
  if (left > right) return 1
  if (Object.is(left, right)) return 0
  if (Number.isNaN(left)) return 1
  if (Number.isNaN(right)) return -1
  return Object.is(left, -0) ? -1 : 1
}
