import { unreachable } from '@apogee/base'
import type {
  BooleanExpression,
  Comparison,
  Equal,
  Expression,
  SqlNumber,
  TextTest,
} from './ast.ts'
import { compareDoubles, compareNumbers } from './build.ts'
import { parseJavaDouble, parseJavaInt, parseJavaLong } from './java-numbers.ts'

// Evaluation as RocketMQ does it (Java ComparisonExpression, LogicExpression, UnaryExpression). A missing property is
// unknown (null). A property is text, and what it is compared with decides how the text is read: next to an int it must
// be an int, next to a double a double. Text that cannot be read so fails the WHOLE expression, whatever stands beside it
// in an OR; only what AND and OR skip because the result is known is not looked at.

/** Where an expression finds the properties of a message. A `Map` of strings is one. */
export interface PropertyLookup {
  get(name: string): string | null | undefined
}

/** The expression has no value for this message: a property could not be read as its comparison wants. */
export const FAILED: unique symbol = Symbol('FAILED')

export type Condition = boolean | null | typeof FAILED
type Value = string | SqlNumber | Condition

/** The value of a condition: true, false, `null` for unknown, or FAILED. Total. */
export function evaluateCondition(node: BooleanExpression, properties: PropertyLookup): Condition {
  switch (node.kind) {
    case 'or':
      return logic(node.terms, true, properties)
    case 'and':
      return logic(node.terms, false, properties)
    case 'not': {
      const value = evaluateCondition(node.operand, properties)
      return typeof value === 'boolean' ? !value : value
    }
    case 'equal':
      return equal(node, properties)
    case 'comparison':
      return comparison(node, properties)
    case 'in': {
      const value = properties.get(node.property.name)
      return value === null || value === undefined ? null : node.values.has(value) !== node.not
    }
    case 'text':
      return textTest(node, properties)
    case 'boolean-cast': {
      const value = properties.get(node.operand.name)
      return value === null || value === undefined ? null : false
    }
    case 'literal':
      return node.value
    default:
      return unreachable(node)
  }
}

/** OR ends at the first true term, AND at the first false one (`decisive`). */
function logic(
  terms: readonly BooleanExpression[],
  decisive: boolean,
  properties: PropertyLookup,
): Condition {
  let unknown = false
  for (let i = 0; i < terms.length; i++) {
    const value = evaluateCondition(terms[i]!, properties)
    if (value === decisive || value === FAILED) return value
    if (value === null) unknown = true
  }
  return unknown ? null : !decisive
}

function evaluate(node: Expression, properties: PropertyLookup): Value {
  switch (node.kind) {
    case 'property':
      return properties.get(node.name) ?? null
    case 'literal':
      return node.value
    case 'negate':
      if (node.value !== null) return node.value
      return evaluate(node.operand, properties) === FAILED ? FAILED : null
    default:
      return evaluateCondition(node, properties)
  }
}

function equal(node: Equal, properties: PropertyLookup): Condition {
  const left = evaluate(node.left, properties)
  if (left === FAILED) return FAILED
  const right = evaluate(node.right, properties)
  if (right === FAILED) return FAILED
  if (left === null) return right === null ? true : null
  if (right === null) return false
  if (typeof left === 'string' && typeof right === 'string') return left === right
  const order = compare(left, right)
  return order === FAILED ? FAILED : order === 0
}

function comparison(node: Comparison, properties: PropertyLookup): Condition {
  const left = evaluate(node.left, properties)
  if (left === null || left === FAILED) return left
  const right = evaluate(node.right, properties)
  if (right === null || right === FAILED) return right
  const order = compare(left, right)
  if (order === FAILED) return FAILED
  switch (node.operator) {
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    default:
      return unreachable(node.operator)
  }
}

type Known = string | boolean | SqlNumber

/** Below, at or above zero. Values without a common type are "below", as in Java. */
function compare(left: Known, right: Known): number | typeof FAILED {
  if (typeof left === 'string') {
    if (typeof right === 'string') return compareTexts(left, right)
    if (typeof right === 'object') return compareTextWithNumber(left, right)
    return compareBooleans(left.toLowerCase() === 'true', right)
  }
  if (typeof left === 'boolean') {
    if (typeof right === 'boolean') return compareBooleans(left, right)
    // Java casts the boolean to a string here, which fails: `TRUE = a` never holds, while `a = TRUE` may.
    return typeof right === 'string' ? FAILED : -1
  }
  if (typeof right === 'boolean') return -1
  if (typeof right === 'object') return compareNumbers(left, right)
  const order = compareTextWithNumber(right, left)
  return order === FAILED ? FAILED : -order
}

function compareBooleans(left: boolean, right: boolean): number {
  return Number(left) - Number(right)
}

/** Two properties compared by order are read as doubles. */
function compareTexts(left: string, right: string): number | typeof FAILED {
  const leftNumber = parseJavaDouble(left)
  const rightNumber = parseJavaDouble(right)
  if (leftNumber === null || rightNumber === null) return FAILED
  return compareDoubles(leftNumber, rightNumber)
}

function compareTextWithNumber(text: string, number: SqlNumber): number | typeof FAILED {
  if (number.type === 'double') {
    const value = parseJavaDouble(text)
    return value === null ? FAILED : compareDoubles(value, number.value)
  }
  if (number.type === 'int') {
    const value = parseJavaInt(text)
    return Number.isNaN(value) ? FAILED : value - number.value
  }
  const value = parseJavaLong(text)
  if (value === null) return FAILED
  // JavaScript compares a number with a bigint exactly.
  const exact = number.long!
  return value < exact ? -1 : value > exact ? 1 : 0
}

/** An empty search and anything but text give false, with NOT too. */
function textTest(node: TextTest, properties: PropertyLookup): Condition {
  if (node.search === '') return false
  const value = evaluate(node.operand, properties)
  if (value === FAILED) return FAILED
  if (typeof value !== 'string') return false
  switch (node.operator) {
    case 'CONTAINS':
      return value.includes(node.search) !== node.not
    case 'STARTSWITH':
      return value.startsWith(node.search) !== node.not
    case 'ENDSWITH':
      return value.endsWith(node.search) !== node.not
    default:
      return unreachable(node.operator)
  }
}
