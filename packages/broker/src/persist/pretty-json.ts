import { JsonMap, type JsonOutput, JsonPairs, writeFastjson } from '@apogee/protocol'

/**
 * JSON as Apache 5.5 (fastjson 2) prints it with PrettyFormat: what config/*.json of RocketMQ look like. Tabs; no space
 * after a colon; each member and list item on a line of its own; integer keys unquoted; an empty object or list is `{}` or
 * `[]`. Members that are null are left out. (fastjson 1 wrote members with integer keys on one line; both read both.)
 */
export function prettyFastjson(value: JsonOutput, indent = '\t'): string {
  if (value instanceof Map)
    return prettyMap(value as ReadonlyMap<string | number, JsonOutput>, indent)
  if (Array.isArray(value)) return prettyList(value as readonly JsonOutput[], indent)
  if (value instanceof JsonMap) return prettyMap(value.fields, indent)
  // Maps keyed by objects are in no config file: they are written in one line.
  if (value instanceof JsonPairs) return writeFastjson(value).toString('utf8')
  return writeFastjson(value).toString('utf8')
}

function prettyMap(map: ReadonlyMap<string | number, JsonOutput>, indent: string): string {
  let text = '{'
  let isFirst = true
  for (const [key, value] of map) {
    if (value === null) continue
    if (!isFirst) text += ','
    isFirst = false
    text += `\n${indent}${typeof key === 'number' ? key : JSON.stringify(key)}:`
    text += prettyFastjson(value, `${indent}\t`)
  }
  return isFirst ? '{}' : `${text}\n${indent.slice(1)}}`
}

function prettyList(list: readonly JsonOutput[], indent: string): string {
  if (list.length === 0) return '[]'
  const items = list.map((item) => `\n${indent}${prettyFastjson(item, `${indent}\t`)}`)
  return `[${items.join(',')}\n${indent.slice(1)}]`
}
