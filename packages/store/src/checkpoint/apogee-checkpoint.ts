import { crc32 } from 'node:zlib'
import { assert } from '@apogee/base'
import type { Disk, Done } from '@apogee/env'
import type { Checkpoint } from './checkpoint.ts'
import { SmallFile } from './small-file.ts'

// apogee.checkpoint, 8192 bytes: two slots of 4096, written in turn, so that one is whole whatever a crash does to the
// other and no rename (and folder sync on the loop) is needed. A slot is one line of JSON, a line with its CRC-32 in
// hexadecimal, and zeros.
//
//   {"sequence":7,"dispatchedThrough":…,"flushedThrough":…,"indexedThrough":…,"logEnd":null,"apache":[…,…,…]}
//   0f3c81aa
//
// Apache's broker does not know the file. `apache` repeats the three times of its checkpoint: when they differ, an Apache
// broker has run on this store since, and the slot says nothing any more.

const SLOT_SIZE = 4096

/** What our own recovery needs to know beyond Apache's checkpoint. Log offsets. */
export interface ApogeeCheckpointValues {
  /** Units of all records below are in the consume queues, synced. */
  dispatchedThrough: number
  /** The log is synced below. */
  flushedThrough: number
  /** Keys of all records below are in the index, synced. */
  indexedThrough: number
  /** Where the log ended at a clean stop, otherwise `null`. */
  logEnd: number | null
}

interface Slot extends ApogeeCheckpointValues {
  sequence: number
  apache: readonly [number, number, number]
}

export class ApogeeCheckpoint {
  private readonly file: SmallFile
  private sequence = 0
  private saving = false

  constructor(path: string, disk: Disk) {
    this.file = new SmallFile(path, 2 * SLOT_SIZE, disk)
  }

  /** The newest values that go with `checkpoint` as it was loaded; `null` when there are none. Throws a DiskError. */
  load(checkpoint: Checkpoint): ApogeeCheckpointValues | null {
    const times = timesOf(checkpoint)
    let best: Slot | null = null
    for (const slot of this.readSlots()) {
      this.sequence = Math.max(this.sequence, slot.sequence)
      if (slot.apache.some((time, i) => time !== times[i])) continue
      if (best === null || slot.sequence > best.sequence) best = slot
    }
    if (best === null) return null
    const { dispatchedThrough, flushedThrough, indexedThrough, logEnd } = best
    return { dispatchedThrough, flushedThrough, indexedThrough, logEnd }
  }

  /**
   * Writes and syncs `values`, off the loop. Save it before `checkpoint`: a crash between the two then leaves the
   * older slot, which goes with the checkpoint that is on disk. One at a time.
   */
  save(values: ApogeeCheckpointValues, checkpoint: Checkpoint, done: Done): void {
    assert(!this.saving, 'sidecar saved twice at once')
    this.saving = true
    this.sequence++
    const slot: Slot = { sequence: this.sequence, ...values, apache: timesOf(checkpoint) }
    const position = (this.sequence % 2) * SLOT_SIZE
    this.file.write(encodeSlot(slot), position, (error) => {
      this.saving = false
      done(error)
    })
  }

  private readSlots(): Slot[] {
    const bytes = this.file.read(2 * SLOT_SIZE)
    const slots = [bytes.subarray(0, SLOT_SIZE), bytes.subarray(SLOT_SIZE)].map(decodeSlot)
    return slots.filter((slot) => slot !== null)
  }
}

function timesOf(checkpoint: Checkpoint): [number, number, number] {
  return [
    checkpoint.physicMsgTimestamp,
    checkpoint.logicsMsgTimestamp,
    checkpoint.indexMsgTimestamp,
  ]
}

function encodeSlot(slot: Slot): Buffer {
  const json = JSON.stringify(slot)
  const bytes = Buffer.alloc(SLOT_SIZE)
  const length = bytes.write(`${json}\n${checksum(json)}\n`)
  assert(length < SLOT_SIZE, 'sidecar slot too large', length)
  return bytes
}

function decodeSlot(bytes: Buffer): Slot | null {
  const lines = bytes.toString('latin1').split('\n', 2)
  const json = lines[0]!
  if (lines.length < 2 || lines[1] !== checksum(json)) return null
  const value: unknown = parse(json)
  return isSlot(value) ? value : null
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return null
  }
}

function isSlot(value: unknown): value is Slot {
  if (typeof value !== 'object' || value === null) return false
  const slot = value as { [key: string]: unknown }
  const { apache, logEnd } = slot
  return (
    isOffset(slot['sequence']) &&
    isOffset(slot['dispatchedThrough']) &&
    isOffset(slot['flushedThrough']) &&
    isOffset(slot['indexedThrough']) &&
    (logEnd === null || isOffset(logEnd)) &&
    Array.isArray(apache) &&
    apache.length === 3 &&
    apache.every(isOffset)
  )
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}
