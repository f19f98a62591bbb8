import { readFileSync } from 'node:fs'
import { ApogeeError } from '@apogee/base'
import { Properties } from 'properties-file/parser'

/** One entry of a properties file, with the line it starts at. */
export interface ConfEntry {
  key: string
  value: string
  line: number
}

/**
 * Reads broker.conf or namesrv.conf: Java properties, as Apache's, with continuation lines, escapes and `=`, `:` or
 * space between key and value. Of a key that comes twice the last one counts. Throws CONFIG_UNREADABLE.
 */
export function readConfFile(path: string): ConfEntry[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new ApogeeError('CONFIG_UNREADABLE', `cannot read ${path}: ${(error as Error).message}`, {
      cause: error,
    })
  }
  return parseConf(text)
}

export function parseConf(text: string): ConfEntry[] {
  const entries = new Map<string, ConfEntry>()
  for (const node of new Properties(text).getProperties()) {
    entries.delete(node.key)
    entries.set(node.key, { key: node.key, value: node.value, line: node.startingLineNumber })
  }
  return [...entries.values()]
}
