import { KEY_SEPARATOR, MessageConst } from '@apogee/protocol'
import type { Message } from '../api/message.ts'
import { invalidArgument } from '../remote/errors.ts'

const RESERVED: ReadonlySet<string> = new Set(Object.values(MessageConst))
const NAME_END = '\x01'
const VALUE_END = '\x02'
/** Levels that a broker may have; which of them it has is its business. */
const DELAY_LEVEL_MAX = 18

/** Whether a message goes through the broker's clock before it can be consumed. */
export function isDelayed(message: Message): boolean {
  const { delayLevel, delayMs, deliverAt } = message
  return delayLevel !== undefined || delayMs !== undefined || deliverAt !== undefined
}

/**
 * The properties of a message as text (name 0x01 value 0x02 …), RocketMQ's own first. `more` are set by the client itself.
 * Throws RMQ_INVALID_ARGUMENT.
 */
export function propertiesText(
  message: Message,
  uniqKey: string,
  more: readonly (readonly [string, string])[],
): string {
  let text = entry(MessageConst.UNIQ_KEY, uniqKey)
  const { tag, keys, properties, waitStoreOk } = message
  if (waitStoreOk === false) text += entry(MessageConst.WAIT_STORE_MSG_OK, 'false')
  if (tag !== undefined) text += entry(MessageConst.TAGS, checkedTag(tag))
  if (keys !== undefined) text += keysEntry(keys)
  if (isDelayed(message)) text += delayEntry(message)
  for (let i = 0; i < more.length; i++) text += entry(more[i]![0], more[i]![1])
  if (properties === undefined) return text
  for (const name of Object.keys(properties)) text += userEntry(name, properties[name])
  return text
}

function entry(name: string, value: string): string {
  return name + NAME_END + value + VALUE_END
}

function userEntry(name: string, value: unknown): string {
  if (RESERVED.has(name) || name.startsWith(MessageConst.TRANSIENT_PREFIX)) {
    throw invalidArgument(`property ${name}: the name is RocketMQ's own`)
  }
  if (typeof value !== 'string' || value === '' || name === '') {
    throw invalidArgument(
      `property ${JSON.stringify(name)}: name and value are texts, neither empty`,
    )
  }
  if (holdsSeparator(name) || holdsSeparator(value)) {
    throw invalidArgument(`property ${JSON.stringify(name)}: holds the character 1 or 2`)
  }
  return entry(name, value)
}

function checkedTag(tag: string): string {
  if (tag.trim() === '' || tag.includes('|') || holdsSeparator(tag)) {
    throw invalidArgument(`tag ${JSON.stringify(tag)}: empty, or holds | or the character 1 or 2`)
  }
  return tag
}

function keysEntry(keys: string | readonly string[]): string {
  const list = typeof keys === 'string' ? [keys] : keys
  if (list.length === 0) return ''
  for (const key of list) {
    if (key === '' || key.includes(KEY_SEPARATOR) || holdsSeparator(key)) {
      throw invalidArgument(
        `key ${JSON.stringify(key)}: empty, or holds a space or the character 1 or 2`,
      )
    }
  }
  return entry(MessageConst.KEYS, list.join(KEY_SEPARATOR))
}

function delayEntry(message: Message): string {
  const { delayLevel, delayMs, deliverAt } = message
  if ([delayLevel, delayMs, deliverAt].filter((it) => it !== undefined).length > 1) {
    throw invalidArgument('delayLevel, delayMs and deliverAt: one of them at most')
  }
  if (delayLevel !== undefined) {
    const isLevel = Number.isInteger(delayLevel) && delayLevel >= 0 && delayLevel <= DELAY_LEVEL_MAX
    if (!isLevel) throw invalidArgument(`delayLevel: ${delayLevel} is not 0 to ${DELAY_LEVEL_MAX}`)
    return entry(MessageConst.DELAY_TIME_LEVEL, String(delayLevel))
  }
  if (delayMs !== undefined) {
    return entry(MessageConst.TIMER_DELAY_MS, String(wholeMs(delayMs, 'delayMs')))
  }
  return entry(MessageConst.TIMER_DELIVER_MS, String(wholeMs(Number(deliverAt), 'deliverAt')))
}

function wholeMs(value: number, name: string): number {
  const whole = Math.round(value)
  if (Number.isSafeInteger(whole) && whole >= 0) return whole
  throw invalidArgument(`${name}: ${value} is not a time in milliseconds`)
}

function holdsSeparator(text: string): boolean {
  return text.includes(NAME_END) || text.includes(VALUE_END)
}
