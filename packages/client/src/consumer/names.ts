import { DLQ_GROUP_TOPIC_PREFIX, isSystemTopic, RETRY_GROUP_TOPIC_PREFIX } from '@apogee/protocol'

const SEPARATOR = '%'

/** A topic or group as servers know it (Java: NamespaceUtil.wrapNamespace). System topics belong to no namespace. */
export function withNamespace(namespace: string | null, name: string): string {
  if (namespace === null || namespace === '' || isSystemTopic(name)) return name
  const prefix = specialPrefixOf(name)
  const plain = name.slice(prefix.length)
  const isWrapped = plain.startsWith(namespace + SEPARATOR)
  return isWrapped ? name : `${prefix}${namespace}${SEPARATOR}${plain}`
}

/** A topic or group as users wrote it (Java: NamespaceUtil.withoutNamespace). */
export function withoutNamespace(namespace: string | null, name: string): string {
  if (namespace === null || namespace === '') return name
  const prefix = specialPrefixOf(name)
  const plain = name.slice(prefix.length)
  const start = namespace + SEPARATOR
  return plain.startsWith(start) ? prefix + plain.slice(start.length) : name
}

function specialPrefixOf(name: string): string {
  if (name.startsWith(RETRY_GROUP_TOPIC_PREFIX)) return RETRY_GROUP_TOPIC_PREFIX
  return name.startsWith(DLQ_GROUP_TOPIC_PREFIX) ? DLQ_GROUP_TOPIC_PREFIX : ''
}
