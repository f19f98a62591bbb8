import { ErrorCode, RocketMQError } from './errors.ts'
import type { Subscription } from './options.ts'

/** Messages with one of these tags; without any, all messages. Throws RMQ_BAD_EXPRESSION. */
export function tags(...names: readonly string[]): Subscription {
  for (const name of names) {
    if (name.trim() === '' || name.includes('|')) {
      const text = `tag ${JSON.stringify(name)}: empty, or holds |`
      throw new RocketMQError(ErrorCode.BAD_EXPRESSION, text)
    }
  }
  return { type: 'TAG', expression: names.length === 0 ? '*' : names.join(' || ') }
}

/**
 * Messages whose properties meet a condition of SQL92. Values are quoted as they must be: sql`amount > ${100} AND
 * region = ${'eu'}`. The broker needs `enablePropertyFilter=true`. Throws RMQ_BAD_EXPRESSION for a value that SQL92
 * here has no form for.
 */
export function sql(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | boolean | readonly (string | number)[])[]
): Subscription {
  let expression = parts[0] ?? ''
  values.forEach((value, i) => {
    expression += literal(value) + (parts[i + 1] ?? '')
  })
  if (expression.trim() === '') throw badValue('the expression is empty')
  return { type: 'SQL92', expression: expression.trim() }
}

function literal(value: string | number | boolean | readonly (string | number)[]): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE'
  if (typeof value !== 'number') return `(${value.map((item) => literal(item)).join(', ')})`
  if (Number.isFinite(value) && !/e/i.test(String(value))) return String(value)
  throw badValue(`the number ${value} has no form`)
}

function badValue(reason: string): RocketMQError {
  return new RocketMQError(ErrorCode.BAD_EXPRESSION, `sql: ${reason}`)
}
