import type { CliIo } from '../io.ts'
import { ProgressLine } from '../output/progress-line.ts'
import type { LatencyJson, Measurement } from './measurement.ts'

const PROGRESS_MS = 1_000

/** The result; docs/cli/bench.schema.json. */
export interface BenchJson {
  readonly kind: 'produce' | 'consume'
  readonly topic: string
  /** What was asked for. */
  readonly settings: Readonly<Record<string, string | number | boolean | null>>
  readonly messages: number
  readonly bytes: number
  readonly seconds: number
  readonly messagesPerSecond: number
  readonly bytesPerSecond: number
  /**
   * Produce: from the call (with --rate: from when it was due) to the acknowledgement. Consume: from the message's
   * birth.
   */
  readonly latency: LatencyJson | null
  /** Messages that failed, by code. */
  readonly failures: Readonly<Record<string, number>>
  /** Ended by SIGINT or SIGTERM. */
  readonly isInterrupted: boolean
}

/** What was asked for; the rest of the result was measured. */
type BenchRun = Pick<BenchJson, 'kind' | 'topic' | 'settings' | 'isInterrupted'>

export function benchJson(what: BenchRun, measured: Measurement): BenchJson {
  const { bytes, messages, seconds } = measured
  const perSecond = (amount: number): number =>
    seconds === 0 ? 0 : Math.round((amount / seconds) * 10) / 10
  return {
    ...what,
    messages,
    bytes,
    seconds: Math.round(seconds * 1_000) / 1_000,
    messagesPerSecond: perSecond(messages),
    bytesPerSecond: perSecond(bytes),
    latency: measured.latency(),
    failures: Object.fromEntries(measured.failures),
  }
}

/** The result on standard output, in the form that was asked for. */
export async function tellResult(
  io: CliIo,
  output: string,
  what: BenchRun,
  measured: Measurement,
): Promise<void> {
  const result = benchJson(what, measured)
  await io.out.write(output === 'json' ? `${JSON.stringify(result)}\n` : benchText(result, io))
}

/** For people: the rate, then the latencies. */
export function benchText(result: BenchJson, io: CliIo): string {
  const { latency } = result
  const rate = `${grouped(result.messagesPerSecond)} messages/s, ${mebibytes(result.bytesPerSecond)} MiB/s`
  const verb = result.kind === 'produce' ? 'sent' : 'consumed'
  const lines = [
    `${grouped(result.messages)} ${verb} in ${result.seconds.toFixed(2)} s: ${io.out.style('bold', rate)}`,
  ]
  if (latency !== null) lines.push('', ...latencyLines(latency))
  const failures = Object.entries(result.failures).map(
    ([code, count]) => `${grouped(count)} ${code}`,
  )
  if (failures.length > 0) lines.push('', io.out.style('red', `failed: ${failures.join(', ')}`))
  return `${lines.join('\n')}\n`
}

function latencyLines(latency: LatencyJson): string[] {
  const rows: [string, number][] = [
    ['min', latency.minMs],
    ['mean', latency.meanMs],
    ['p50', latency.p50Ms],
    ['p90', latency.p90Ms],
    ['p95', latency.p95Ms],
    ['p99', latency.p99Ms],
    ['p99.9', latency.p999Ms],
    ['p99.99', latency.p9999Ms],
    ['max', latency.maxMs],
  ]
  const width = Math.max(...rows.map(([, value]) => value.toFixed(3).length))
  return rows.map(([name, value]) => `  ${name.padEnd(6)}  ${value.toFixed(3).padStart(width)} ms`)
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

function mebibytes(bytes: number): string {
  return (bytes / (1024 * 1024)).toFixed(1)
}

/** Tells each second how it goes, on a terminal only. Ends with the returned function. */
export function showProgress(io: CliIo, measured: Measurement, end: string): () => void {
  if (!io.err.isTerminal) return () => {}
  const line = new ProgressLine(io.err)
  let before = 0
  const timer = setInterval(() => {
    const { messages, failed } = measured
    const failures = failed === 0 ? '' : `, ${grouped(failed)} failed`
    const p99 = measured.latency()?.p99Ms
    const tail = p99 === undefined ? '' : `, p99 ${p99.toFixed(1)} ms`
    line.show(
      `${grouped(messages - before)} messages/s, ${grouped(messages)} in all${tail}${failures}${end}`,
    )
    before = messages
  }, PROGRESS_MS)
  return () => {
    clearInterval(timer)
    line.clear()
  }
}
