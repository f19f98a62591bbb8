// The command line that the load programs share.
import { parseArgs } from 'node:util'
import type { HeaderForm } from './frames.ts'

const DEFAULTS = {
  host: '127.0.0.1',
  port: '10911',
  connections: '1',
  inflight: '64',
  size: '1024',
  seconds: '5',
  warmup: '2',
  topic: 'BenchTopic',
  topics: '1',
  queues: '4',
  rate: '0',
  form: 'binary',
  'server-pid': '0',
  consumers: '1',
  bytes: '0',
  'pull-port': '0',
} as const

export type LoadOptionName = keyof typeof DEFAULTS

export interface LoadOptions {
  host: string
  port: number
  connections: number
  /** Sends in flight on each connection. */
  inFlight: number
  bodySize: number
  seconds: number
  warmupSeconds: number
  topic: string
  topics: number
  queues: number
  /** Messages per second over all connections; 0 = as many as the server answers. */
  rate: number
  form: HeaderForm
  /** Whose CPU time and memory are read over the measured time; 0 = nobody's. */
  serverPid: number
  consumers: number
  /** Stop after this many bytes instead of after `seconds`; 0 = by time. */
  bytes: number
  /** Pull from this port instead, a slave's; 0 = where sends go. */
  pullPort: number
}

export function loadOptions(): LoadOptions {
  const options = Object.fromEntries(
    Object.entries(DEFAULTS).map(([name, value]) => [
      name,
      { type: 'string' as const, default: value },
    ]),
  )
  const values = parseArgs({ options }).values as Record<LoadOptionName, string>
  const number = (name: LoadOptionName): number => {
    const value = Number(values[name])
    if (!Number.isFinite(value) || value < 0)
      throw new Error(`--${name}: not a number of at least 0`)
    return value
  }
  if (values.form !== 'binary' && values.form !== 'json') throw new Error('--form: binary or json')
  return {
    host: values.host,
    port: number('port'),
    connections: number('connections'),
    inFlight: number('inflight'),
    bodySize: number('size'),
    seconds: number('seconds'),
    warmupSeconds: number('warmup'),
    topic: values.topic,
    topics: number('topics'),
    queues: number('queues'),
    rate: number('rate'),
    form: values.form,
    serverPid: number('server-pid'),
    consumers: number('consumers'),
    bytes: number('bytes'),
    pullPort: number('pull-port') || number('port'),
  }
}
