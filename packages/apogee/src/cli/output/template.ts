// `--format '{{time}} {{queue}}:{{offset}} {{key}} {{body}}'`: texts and fields of a message.
import { usageError } from '../cli-error.ts'
import { didYouMean } from '../did-you-mean.ts'
import { isoTime, messageJson, type ShownMessage } from './message-view.ts'

type Field = (message: ShownMessage) => string

/** What stands between the braces, and what for. The help and docs/cli.md are made of it. */
export const TEMPLATE_FIELDS: Readonly<Record<string, readonly [help: string, field: Field]>> = {
  topic: ['the topic', ({ topic }) => topic],
  tag: ['the tag, or nothing', ({ tag }) => tag ?? ''],
  key: ['the first key, or nothing', ({ keys }) => keys[0] ?? ''],
  keys: ['all keys, a space between', ({ keys }) => keys.join(' ')],
  body: ['the body as UTF-8', ({ rawBody }) => rawBody.toString('utf8')],
  base64: ['the body as base64', ({ rawBody }) => rawBody.toString('base64')],
  size: ['bytes of the body', ({ rawBody }) => String(rawBody.length)],
  time: ['when the broker stored it, ISO 8601', ({ storeTimestamp }) => isoTime(storeTimestamp)],
  timeMs: ['the same in ms since 1970', ({ storeTimestamp }) => String(storeTimestamp)],
  bornTime: ['when the producer made it, ISO 8601', ({ bornTimestamp }) => isoTime(bornTimestamp)],
  bornTimeMs: ['the same in ms since 1970', ({ bornTimestamp }) => String(bornTimestamp)],
  bornHost: ['address of the producer', ({ bornHost }) => bornHost],
  storeHost: ['address of the broker', ({ storeHost }) => storeHost],
  broker: ['name of the broker', ({ queue }) => queue.brokerName],
  queue: ['id of the queue', ({ queue }) => String(queue.queueId)],
  offset: ['offset in the queue', ({ queueOffset }) => String(queueOffset)],
  id: ['the id the producer gave it', ({ messageId }) => messageId],
  offsetId: ['the id that says where it lies', ({ offsetMessageId }) => offsetMessageId],
  shardingKey: ['the key that ordered it', ({ shardingKey }) => shardingKey ?? ''],
  reconsumeTimes: ['deliveries before this one', ({ reconsumeTimes }) => String(reconsumeTimes)],
  json: ['all of it as one line of JSON', (message) => JSON.stringify(messageJson(message))],
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '0': '\0',
  '\\': '\\',
}
const PROPERTY = /^(?:property|properties)\.(.+)$/

export type Template = (message: ShownMessage) => string

/**
 * Reads a template once. `{{field}}` is a field of the message, `{{property.NAME}}` one of its properties, `\n` a line
 * break; everything else stands for itself. Throws CLI_USAGE for a field that there is not.
 */
export function compileTemplate(text: string): Template {
  const parts: (string | Field)[] = []
  let place = 0
  for (const match of text.matchAll(/\{\{\s*([^{}]*?)\s*\}\}/g)) {
    parts.push(unescaped(text.slice(place, match.index)), fieldNamed(match[1]!))
    place = match.index + match[0].length
  }
  parts.push(unescaped(text.slice(place)))
  return (message) =>
    parts.map((part) => (typeof part === 'string' ? part : part(message))).join('')
}

function fieldNamed(name: string): Field {
  const property = PROPERTY.exec(name)?.[1]
  if (property !== undefined) return ({ properties }) => properties[property] ?? ''
  const known = Object.hasOwn(TEMPLATE_FIELDS, name) ? TEMPLATE_FIELDS[name] : undefined
  if (known !== undefined) return known[1]
  const names = Object.keys(TEMPLATE_FIELDS)
  const meant = didYouMean(name, names)
  throw usageError(
    `--format: no field {{${name}}}`,
    meant === null ? `fields: ${names.join(', ')}, property.NAME` : `did you mean {{${meant}}}?`,
  )
}

function unescaped(text: string): string {
  return text.replace(/\\([ntr0\\])/g, (_, letter: string) => ESCAPES[letter]!)
}
