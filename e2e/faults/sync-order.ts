// Whether every acknowledgement came after the sync of the bytes it promises: a judge over a trace of system calls. Pure.
import { type TraceEvent, writePosition } from './system-call-trace.ts'

type Why = 'not written' | 'not synced' | 'sync failed'

export interface SyncOrderVerdict {
  /** Successful sends that were written to a socket. */
  acknowledged: number
  /** Of these, the ones whose record was not written and synced before. */
  early: { physicalOffset: number; why: Why }[]
  syncs: number
  /** When the first call on a log file failed, or null. */
  failedAtS: number | null
}

/** A half-open range of the log, in physical offsets. */
interface Range {
  from: number
  to: number
}

const LOG_FILE = /\/commitlog\/(\d{20})$/
const SOCKET_WRITES = new Set(['write', 'writev', 'sendto', 'sendmsg'])
/** A SEND_OK reply as strace shows its JSON header; the second half of the message id is the physical offset. */
const SEND_OK = /\\"code\\":0,[^{}]*\{\\"msgId\\":\\"[0-9A-F]{16}([0-9A-F]{16})\\"/g

/** Follows what the disk holds of each log file. */
class SyncOrderJudge {
  readonly verdict: SyncOrderVerdict = { acknowledged: 0, early: [], syncs: 0, failedAtS: null }
  readonly #sizes: ReadonlyMap<number, number>
  /** Everything ever written, merged. */
  readonly #written: Range[] = []
  /** By file: written since the last sync that returned. */
  readonly #dirty = new Map<string, Range[]>()
  /** Written before a sync that failed: Linux takes these pages for clean, so no later sync can make up for it. */
  readonly #poisoned: Range[] = []
  /** By the call that runs: what it syncs when it returns 0. */
  readonly #syncing = new Map<object, Range[]>()

  constructor(sizes: ReadonlyMap<number, number>) {
    this.#sizes = sizes
  }

  take(event: TraceEvent): void {
    const { call } = event
    const start = LOG_FILE.exec(call.target)?.[1]
    if (event.kind === 'begin') {
      if (start !== undefined && isSync(call.name)) {
        this.#syncing.set(call, [...(this.#dirty.get(call.target) ?? [])])
      }
      if (SOCKET_WRITES.has(call.name) && call.target.startsWith('socket:')) {
        this.#judgeReplies(call.args)
      }
      return
    }
    if (start === undefined) return
    if (event.result < 0) {
      this.verdict.failedAtS ??= event.atS
      if (isSync(call.name)) this.#poisoned.push(...(this.#syncing.get(call) ?? []))
    } else if (isSync(call.name)) this.#synced(call.target, this.#syncing.get(call) ?? [])
    else if (call.name.startsWith('pwrite')) {
      const from = Number(start) + writePosition(call)
      this.#wrote(call.target, { from, to: from + event.result })
    }
    this.#syncing.delete(call)
  }

  #wrote(file: string, range: Range): void {
    const dirty = this.#dirty.get(file) ?? []
    dirty.push(range)
    this.#dirty.set(file, dirty)
    merge(this.#written, range)
  }

  #synced(file: string, ranges: readonly Range[]): void {
    this.verdict.syncs++
    const dirty = this.#dirty.get(file) ?? []
    this.#dirty.set(
      file,
      dirty.filter((range) => !ranges.includes(range)),
    )
  }

  #judgeReplies(text: string): void {
    for (const [, hex = ''] of text.matchAll(SEND_OK)) {
      this.verdict.acknowledged++
      const from = Number(`0x${hex}`)
      const record = { from, to: from + (this.#sizes.get(from) ?? 1) }
      const why = this.#whyEarly(record)
      if (why !== null) this.verdict.early.push({ physicalOffset: from, why })
    }
  }

  #whyEarly(record: Range): Why | null {
    const overlaps = ({ from, to }: Range): boolean => from < record.to && to > record.from
    const covers = ({ from, to }: Range): boolean => from <= record.from && to >= record.to
    if (!this.#written.some(covers)) return 'not written'
    if (this.#poisoned.some(overlaps)) return 'sync failed'
    return [...this.#dirty.values()].some((ranges) => ranges.some(overlaps)) ? 'not synced' : null
  }
}

function isSync(name: string): boolean {
  return name === 'fdatasync' || name === 'fsync'
}

/** Adds a range to a list of disjoint ones; the log grows at its end, so the list stays short. */
function merge(ranges: Range[], added: Range): void {
  const last = ranges.at(-1)
  if (last !== undefined && added.from <= last.to && added.from >= last.from) {
    last.to = Math.max(last.to, added.to)
  } else {
    ranges.push({ ...added })
  }
}

/** `sizes`: length of the record at each physical offset. */
export function judgeSyncOrder(
  events: Iterable<TraceEvent>,
  sizes: ReadonlyMap<number, number>,
): SyncOrderVerdict {
  const judge = new SyncOrderJudge(sizes)
  for (const event of events) judge.take(event)
  return judge.verdict
}
