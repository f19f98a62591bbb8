/**
 * A number, with its Java type: it decides how the text of a property is read. `value` is exact for ints and doubles and
 * for longs up to 2^53; `long` is set for every long.
 */
export interface SqlNumber {
  readonly kind: 'number'
  readonly type: 'int' | 'long' | 'double'
  readonly value: number
  readonly long: bigint | null
}

/** TRUE, FALSE, NULL, a string or a number, as written. */
export interface Literal {
  readonly kind: 'literal'
  readonly value: string | boolean | null | SqlNumber
}

export interface Property {
  readonly kind: 'property'
  readonly name: string
}

export interface Negate {
  readonly kind: 'negate'
  readonly operand: Expression
  /** The number it stands for; `null` when the operand is none, and then the value is unknown. */
  readonly value: SqlNumber | null
}

export interface Not {
  readonly kind: 'not'
  readonly operand: BooleanExpression
}

/** A property where a condition is wanted: never true, since properties are strings. */
export interface BooleanCast {
  readonly kind: 'boolean-cast'
  readonly operand: Property
}

/** A chain of ANDs or ORs, from left to right. */
export interface Logic {
  readonly kind: 'and' | 'or'
  readonly terms: readonly BooleanExpression[]
}

/** `=` and `IS NULL`; the other forms are NOT of it. */
export interface Equal {
  readonly kind: 'equal'
  readonly left: Expression
  readonly right: Expression
}

export type ComparisonOperator = '>' | '>=' | '<' | '<='

export interface Comparison {
  readonly kind: 'comparison'
  readonly operator: ComparisonOperator
  readonly left: Expression
  readonly right: Expression
}

export interface In {
  readonly kind: 'in'
  readonly property: Property
  readonly values: ReadonlySet<string>
  readonly not: boolean
}

export type TextOperator = 'CONTAINS' | 'STARTSWITH' | 'ENDSWITH'

export interface TextTest {
  readonly kind: 'text'
  readonly operator: TextOperator
  readonly operand: Expression
  readonly search: string
  readonly not: boolean
}

export type BooleanExpression =
  | Not
  | BooleanCast
  | Logic
  | Equal
  | Comparison
  | In
  | TextTest
  | BooleanLiteral

/** TRUE, FALSE and NULL may stand where a condition is wanted. */
export interface BooleanLiteral extends Literal {
  readonly value: boolean | null
}

export type Expression = BooleanExpression | Literal | Property | Negate
