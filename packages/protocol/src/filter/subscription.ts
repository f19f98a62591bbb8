import { type Decoded, javaHash, Malformed } from '@apogee/base'
import { ExpressionType, isTagType } from './expression-type.ts'

/** Everything of a topic. */
export const SUB_ALL = '*'

/** What a group wants of a topic (Java SubscriptionData; it travels in heartbeats). */
export interface SubscriptionData {
  readonly topic: string
  /** The expression: `*`, tags with `||` between, or SQL92. */
  readonly subString: string
  readonly tagsSet: readonly string[]
  /** Java's hashes of the tags. */
  readonly codeSet: readonly number[]
  /** When the client made it, in ms since 1970; a newer one replaces an older. */
  readonly subVersion: number
  readonly expressionType: string
  readonly classFilterMode: boolean
}

/**
 * Makes a subscription of an expression (Java FilterAPI.build). No type means tags; an empty expression of tags means
 * all. SQL92 is not compiled here. Errors: SUBSCRIPTION_EXPRESSION_ILLEGAL, SUBSCRIPTION_TYPE_UNKNOWN.
 */
export function buildSubscription(
  topic: string,
  expression: string | null | undefined,
  type: string | null | undefined,
  subVersion: number,
): Decoded<SubscriptionData> {
  const subString = expression ?? ''
  if (isTagType(type)) return tagSubscription(topic, subString, subVersion)
  if (type !== ExpressionType.SQL92) {
    return new Malformed('SUBSCRIPTION_TYPE_UNKNOWN', `no filter of type ${JSON.stringify(type)}`)
  }
  if (subString === '') {
    return new Malformed('SUBSCRIPTION_EXPRESSION_ILLEGAL', 'an SQL92 subscription needs one')
  }
  return {
    topic,
    subString,
    tagsSet: [],
    codeSet: [],
    subVersion,
    expressionType: ExpressionType.SQL92,
    classFilterMode: false,
  }
}

function tagSubscription(
  topic: string,
  expression: string,
  subVersion: number,
): Decoded<SubscriptionData> {
  const subString = expression === '' ? SUB_ALL : expression
  const tags = new Set<string>()
  if (subString !== SUB_ALL) {
    const parts = subString.split('||')
    if (parts.every((part) => part === '')) {
      return new Malformed('SUBSCRIPTION_EXPRESSION_ILLEGAL', 'nothing between the ||')
    }
    for (const part of parts) {
      const tag = javaTrim(part)
      if (tag !== '') tags.add(tag)
    }
  }
  return {
    topic,
    subString,
    tagsSet: [...tags],
    codeSet: [...new Set([...tags].map(javaHash))],
    subVersion,
    expressionType: ExpressionType.TAG,
    classFilterMode: false,
  }
}

/** String.trim of Java: it takes away U+0000 to U+0020, where JavaScript's takes all blanks of Unicode. */
function javaTrim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) <= 0x20) start++
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--
  return text.slice(start, end)
}
