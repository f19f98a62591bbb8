import { assert, readInt64, writeInt64 } from '@apogee/base'
import type { Disk, Done } from '@apogee/env'
import { folderOf } from './paths.ts'

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
  private readonly path: string
  private readonly disk: Disk
  private readonly bytes = Buffer.alloc(VALUES_SIZE)
  private saving = false

  constructor(path: string, disk: Disk) {
    this.path = path
    this.disk = disk
  }

  /** Reads the file. Missing is all zeros, and so is a value that cannot be one: recovery then starts earlier. */
  load(): void {
    const bytes = Buffer.alloc(VALUES_SIZE)
    if (this.disk.exists(this.path)) {
      const file = this.disk.open(this.path)
      try {
        bytes.fill(0, file.readNow(bytes, 0, VALUES_SIZE, 0))
      } finally {
        file.close()
      }
    }
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
    writeAndSync(this.disk, this.path, FILE_SIZE, this.bytes, 0, (error) => {
      this.saving = false
      done(error)
    })
  }
}

/**
 * Writes `bytes` into a small file of fixed size and syncs it, off the loop, with a handle of its own: after a failure the
 * next try starts anew. `done` comes in a later turn.
 */
export function writeAndSync(
  disk: Disk,
  path: string,
  size: number,
  bytes: Uint8Array,
  position: number,
  done: Done,
): void {
  // One piece through writeMany: opening is off the loop too.
  const isNew = !disk.exists(path)
  disk.writeMany([{ path, size, position, bytes }], { sync: true }, (error) => {
    if (error !== null || !isNew) {
      done(error)
      return
    }
    try {
      disk.syncDirectory(folderOf(path))
    } catch (failure) {
      done(failure as Parameters<Done>[0])
      return
    }
    done(null)
  })
}

function valueAt(bytes: Uint8Array, at: number): number {
  const value = readInt64(bytes, at)
  return Number.isSafeInteger(value) && value >= 0 ? value : 0
}
