import { Malformed } from '@apogee/base'

interface Attribute {
  readonly changeable: boolean
  readonly accepts: (value: string) => boolean
}

const oneOf =
  (...values: string[]): ((value: string) => boolean) =>
  (value) =>
    values.includes(value)

/** Attributes that a topic may have (Java: TopicAttributes). */
const TOPIC_ATTRIBUTES: ReadonlyMap<string, Attribute> = new Map([
  ['queue.type', { changeable: false, accepts: oneOf('SimpleCQ') }],
  ['cleanup.policy', { changeable: false, accepts: oneOf('DELETE') }],
  [
    'message.type',
    {
      changeable: true,
      accepts: oneOf('UNSPECIFIED', 'NORMAL', 'FIFO', 'DELAY', 'TRANSACTION', 'MIXED'),
    },
  ],
])

/** Reads `+key=value,-key`: a change of attributes as request code 17 carries it. Error: ATTRIBUTES_ILLEGAL. */
export function parseAttributeChanges(text: string | null): Map<string, string> | Malformed {
  const changes = new Map<string, string>()
  if (text === null || text === '') return changes
  for (const part of text.split(',')) {
    const equals = part.indexOf('=')
    const key = equals < 0 ? part : part.slice(0, equals)
    const sign = equals < 0 ? '-' : '+'
    if (!key.startsWith(sign)) return illegal(`${JSON.stringify(part)} must start with ${sign}`)
    if (changes.has(key)) return illegal(`${key} is there twice`)
    changes.set(key, equals < 0 ? '' : part.slice(equals + 1))
  }
  return changes
}

/**
 * The attributes after a change whose keys start with `+` (set) or `-` (remove). Attributes for what this broker does not
 * have (batch queues, compaction, tiered storage) are refused. Error: ATTRIBUTES_ILLEGAL. Java: AttributeUtil.
 */
export function alterAttributes(
  current: ReadonlyMap<string, string> | null,
  changes: ReadonlyMap<string, string>,
): Map<string, string> | Malformed {
  if (changes.size === 0) return new Map(current ?? [])
  const result = new Map(current ?? [])
  const seen = new Set<string>()
  for (const [signed, value] of changes) {
    const name = signed.slice(1)
    if (seen.has(name)) return illegal(`${name} is there twice`)
    seen.add(name)
    const remove = signed.startsWith('-')
    const problem = checkChange(current, signed, name, value, remove)
    if (problem !== null) return illegal(problem)
    if (remove) result.delete(name)
    else result.set(name, value)
  }
  return result
}

function checkChange(
  current: ReadonlyMap<string, string> | null,
  signed: string,
  name: string,
  value: string,
  remove: boolean,
): string | null {
  if (!remove && !signed.startsWith('+')) return `${signed} must start with + or -`
  if (current === null && remove) return `${name} cannot be removed from a new topic`
  if (remove && !current?.has(name)) return `${name} is not set`
  const attribute = TOPIC_ATTRIBUTES.get(name)
  if (attribute === undefined) return `unsupported attribute ${name}`
  if (current !== null && !attribute.changeable) return `${name} cannot be changed`
  if (!remove && !attribute.accepts(value)) return `${name} cannot be ${JSON.stringify(value)}`
  return null
}

function illegal(detail: string): Malformed {
  return new Malformed('ATTRIBUTES_ILLEGAL', detail)
}
