import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { ApogeeError } from '@apogee/base'
import type * as parser from 'properties-file/parser'

/** One entry of a properties file, with the line it starts at. */
export interface ConfEntry {
  key: string
  value: string
  line: number
}

/** A configuration written by hand is not larger. */
const BYTES_MAX = 1024 * 1024

/**
 * Reads broker.conf or namesrv.conf: Java properties, as Apache's, with continuation lines, escapes and `=`, `:` or
 * space between key and value. Of a key that comes twice the last one counts. Throws CONFIG_UNREADABLE.
 */
export function readConfFile(path: string): ConfEntry[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
    if (text.length > BYTES_MAX) throw new Error(`${text.length} bytes, at most ${BYTES_MAX}`)
    return parseConf(text)
  } catch (error) {
    const why = (error as Error).message
    throw new ApogeeError('CONFIG_UNREADABLE', `cannot read ${path}: ${why}`, { cause: error })
  }
}

/** Throws an error when an escape is malformed. */
export function parseConf(text: string): ConfEntry[] {
  // A start without a file does not wait for the parser.
  const require = createRequire(import.meta.url)
  const { Properties } = require('properties-file/parser') as typeof parser
  const entries = new Map<string, ConfEntry>()
  for (const node of new Properties(text).getProperties()) {
    entries.delete(node.key)
    entries.set(node.key, { key: node.key, value: node.value, line: node.startingLineNumber })
  }
  return [...entries.values()]
}
