import type { ClientLogger } from '@apogee/client'
import type { CliIo } from '../io.ts'
import { printableLine } from '../output/printable.ts'

/** What the client warns of that people would else wait in vain for. Everything else is silent. */
export function terminalLogger(io: CliIo): ClientLogger {
  const told = new Set<string>()
  const silent = (): void => {}
  const warn = (fields: object): void => {
    const { event, topic } = fields as { event?: unknown; topic?: unknown }
    if (event !== 'topic_not_found' || typeof topic !== 'string' || told.has(topic)) return
    told.add(topic)
    void io.err.write(`apogee: no topic ${printableLine(topic)} yet; waiting for it\n`)
  }
  return { debug: silent, info: silent, warn, error: silent }
}
