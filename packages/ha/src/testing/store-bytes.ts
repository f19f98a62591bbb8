import type { Prng } from '@apogee/base'
import { powerCut, type SimDisk } from '@apogee/env/sim'
import {
  inspectRecord,
  RECORD_BLANK,
  RECORD_OK,
  RecordView,
  recordCrcHolds,
} from '@apogee/protocol'
import type { Held } from './node-log.ts'

/** Nothing that is not synced: the worst a power cut leaves. */
export function worstPowerCut(disk: SimDisk, prng: Prng): SimDisk {
  return disk.crash(powerCut(prng, { keep: 0, damage: 0, keepNames: 0 }))
}

/** The log of a store as the files of a disk have it, whatever the process that writes them says. */
export class StoreBytes implements Held {
  readonly start: number
  readonly end: number
  private readonly disk: SimDisk
  private readonly folder: string
  private readonly fileSize: number

  /** `end`: where the log ends, when that is known; else it is walked to the last whole record. */
  constructor(disk: SimDisk, folder: string, fileSize: number, end?: number) {
    this.disk = disk
    this.folder = folder
    this.fileSize = fileSize
    const names = disk.list(folder)
    this.start = names.length === 0 ? (end ?? 0) : Number(names[0])
    this.end = end ?? this.walk()
  }

  readonly bytes = (from: number, to: number): Buffer => {
    const bytes = Buffer.alloc(to - from)
    for (let at = from; at < to; ) {
      const fileStart = at - (at % this.fileSize)
      const length = Math.min(to, fileStart + this.fileSize) - at
      this.read(fileStart, bytes, at - from, length, at - fileStart)
      at += length
    }
    return bytes
  }

  private read(
    fileStart: number,
    into: Buffer,
    offset: number,
    length: number,
    position: number,
  ): void {
    const path = `${this.folder}/${String(fileStart).padStart(20, '0')}`
    if (!this.disk.exists(path)) return
    const file = this.disk.open(path)
    file.readNow(into, offset, length, position)
    file.close()
  }

  private walk(): number {
    const view = new RecordView()
    const names = this.disk.list(this.folder)
    for (let at = this.start; names.includes(String(at).padStart(20, '0')); at += this.fileSize) {
      const bytes = this.bytes(at, at + this.fileSize)
      const end = walkFile(bytes, at, view)
      if (end < this.fileSize) return at + end
    }
    return this.start + names.length * this.fileSize
  }
}

/** Where the records of one file end; the size of the file when a blank record does. */
function walkFile(bytes: Buffer, start: number, view: RecordView): number {
  for (let at = 0; ; ) {
    const status = inspectRecord(bytes, at, bytes.length, view)
    if (status === RECORD_BLANK) return at + view.totalSize === bytes.length ? bytes.length : at
    if (status !== RECORD_OK || view.physicalOffset !== start + at) return at
    if (!recordCrcHolds(view, bytes)) return at
    at += view.totalSize
  }
}
