import { assert, readInt64, writeInt64 } from '@apogee/base'
import type { Disk, Done } from '@apogee/env'
import { SmallFile } from './small-file.ts'

// checkpoint, 4096 bytes (StoreCheckpoint.java); what follows the five numbers is not used.
//
//   0         8          16        24            32          40
//   ┌─────────┬──────────┬─────────┬─────────────┬───────────┬──────
//   │ physic  │ logics   │ index   │ master      │ confirm   │ zero
//   │ MsgTime │ MsgTime  │ MsgTime │ FlushedOff. │ PhyOffset │
//   └─────────┴──────────┴─────────┴─────────────┴───────────┴──────

const FILE_SIZE = 4096
const VALUES_SIZE = 40

/** Apache's checkpoint: store times, ms, of the newest message that is surely in the log, in the queues, in the index. */
export class Checkpoint {
  physicMsgTimestamp = 0
  logicsMsgTimestamp = 0
  indexMsgTimestamp = 0
  masterFlushedOffset = 0
  confirmPhyOffset = 0
  private readonly file: SmallFile
  private readonly bytes = Buffer.alloc(VALUES_SIZE)
  private saving = false

  constructor(path: string, disk: Disk) {
    this.file = new SmallFile(path, FILE_SIZE, disk)
  }

  /** Reads the file. Missing is all zeros, and so is a value that cannot be one: recovery then starts earlier. */
  load(): void {
    const bytes = this.file.read(VALUES_SIZE)
    this.physicMsgTimestamp = valueAt(bytes, 0)
    this.logicsMsgTimestamp = valueAt(bytes, 8)
    this.indexMsgTimestamp = valueAt(bytes, 16)
    this.masterFlushedOffset = valueAt(bytes, 24)
    this.confirmPhyOffset = valueAt(bytes, 32)
  }

  /** Writes and syncs the values as they are now, off the loop: 40 bytes of one sector, so all or none. One at a time. */
  save(done: Done): void {
    assert(!this.saving, 'checkpoint saved twice at once')
    writeInt64(this.bytes, 0, this.physicMsgTimestamp)
    writeInt64(this.bytes, 8, this.logicsMsgTimestamp)
    writeInt64(this.bytes, 16, this.indexMsgTimestamp)
    writeInt64(this.bytes, 24, this.masterFlushedOffset)
    writeInt64(this.bytes, 32, this.confirmPhyOffset)
    this.saving = true
    this.file.write(this.bytes, 0, (error) => {
      this.saving = false
      done(error)
    })
  }
}

function valueAt(bytes: Uint8Array, at: number): number {
  const value = readInt64(bytes, at)
  return Number.isSafeInteger(value) && value >= 0 ? value : 0
}
