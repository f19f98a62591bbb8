import { ApogeeError } from '@apogee/base'
import type { Disk, DiskFile } from '@apogee/env'
import { ApogeeCheckpoint } from '../checkpoint/apogee-checkpoint.ts'
import { Checkpoint } from '../checkpoint/checkpoint.ts'
import { folderOf } from '../checkpoint/paths.ts'
import { LogFiles } from '../commit-log/log-files.ts'
import type { MessageStoreOptions } from '../options.ts'
import { storeTimeNow } from '../recovery/verify-record.ts'
import { AbortFile } from './abort-file.ts'
import { promised } from './checkpointing.ts'
import type { StoreDeps } from './store-parts.ts'

const COPY_BYTES = 1 << 20

/** What is taken from the end of a log, and where it goes. */
export interface LogCut {
  /** The log ends here from now on: a record boundary. */
  at: number
  /** Where it ended. What lies behind this is erased too, and not kept. */
  end: number
  /** Path of the file that [at, end) is copied to. Its folder is made. */
  keep: string
}

/**
 * Ends the log of a closed store, after a clean stop or none, at `cut.at`: a slave gives up what its master never had. What
 * is cut off is on disk under `cut.keep` before anything changes, and nothing of it ever comes back into the log; queues,
 * index and checkpoints follow when the store is opened next, by this broker or by Apache's. A crash leaves a store that
 * opens, with its old log, the new one, or one that ends in between. Codes: STORE_LOCKED, LOG_CUT_OUTSIDE; a DiskError
 * when the disk fails.
 */
export async function cutClosedLog(
  options: MessageStoreOptions,
  deps: StoreDeps,
  cut: LogCut,
): Promise<void> {
  const { disk } = deps
  const lock = disk.lock(`${options.root}/lock`)
  if (lock === null)
    throw new ApogeeError('STORE_LOCKED', `${options.root} is in use by another broker`)
  const folder = options.commitLogFolder ?? `${options.root}/commitlog`
  const files = new LogFiles(folder, options.commitLogFileSize, disk)
  try {
    files.load()
    const { minOffset, endOffset } = files
    if (files.empty || cut.at < minOffset || cut.at > Math.min(cut.end, endOffset)) {
      const text = `cannot cut at ${cut.at}: the log holds ${minOffset} to ${endOffset}`
      throw new ApogeeError('LOG_CUT_OUTSIDE', text)
    }
    await keepTail(disk, files, cut)
    await forgetBeyond(options, disk, files, cut.at)
    files.cutAt(cut.at, true)
    deps.log.warn({ event: 'log_cut', ...cut }, 'the end of the log was cut off and kept aside')
  } finally {
    files.closeAll()
    lock.release()
  }
}

/** Copies what will be cut, off the loop; on disk when this is done. */
async function keepTail(disk: Disk, files: LogFiles, cut: LogCut): Promise<void> {
  const folder = folderOf(cut.keep)
  disk.makeFolder(folder)
  const kept = disk.open(cut.keep, { create: true })
  try {
    kept.truncate(0)
    const buffer = Buffer.allocUnsafeSlow(Math.min(COPY_BYTES, files.fileSize))
    const end = Math.min(cut.end, files.endOffset)
    for (let at = cut.at; at < end; ) {
      const fileEnd = files.startOf(at) + files.fileSize
      const length = Math.min(buffer.length, end - at, fileEnd - at)
      const read = await readSome(files.readable(at)!, buffer, length, at - files.startOf(at))
      // A last file that a crash left short reads as zeros.
      const bytes = buffer.subarray(0, length).fill(0, read)
      await promised((done) => kept.write([bytes], at - cut.at, done))
      at += length
    }
    await promised((done) => kept.sync(done))
  } finally {
    kept.close()
  }
  disk.syncDirectory(folder)
  disk.syncDirectory(folderOf(folder))
}

function readSome(file: DiskFile, into: Buffer, length: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    file.read(into, 0, length, position, (error, bytesRead) => {
      if (error === null) resolve(bytesRead)
      else reject(error)
    })
  })
}

/**
 * Before the log is shorter nothing may say that it is longer. The abort file makes an Apache broker look at everything
 * that its checkpoint does not cover, and drop the index files with newer entries; our own checkpoint covers the log up to
 * `at` and no further, which is true of the log as it still is, too.
 */
async function forgetBeyond(
  options: MessageStoreOptions,
  disk: Disk,
  files: LogFiles,
  at: number,
): Promise<void> {
  const { root } = options
  const abort = new AbortFile(disk, root)
  if (!abort.read().crashed) abort.write(options.processId)
  const checkpoint = new Checkpoint(`${root}/checkpoint`, disk)
  const sidecar = new ApogeeCheckpoint(`${root}/apogee.checkpoint`, disk)
  checkpoint.load()
  const own = sidecar.load(checkpoint)
  let time = timeBelow(files, at)
  capTimes(checkpoint, time)
  if (own === null) {
    // An Apache broker wrote last: what ours said before must not seem to go with the new times.
    while (time > 0 && sidecar.load(checkpoint) !== null) capTimes(checkpoint, --time)
  } else {
    const values = {
      dispatchedThrough: Math.min(own.dispatchedThrough, at),
      flushedThrough: Math.min(own.flushedThrough, at),
      indexedThrough: Math.min(own.indexedThrough, at),
      logEnd: null,
    }
    await promised((done) => sidecar.save(values, checkpoint, done))
  }
  await promised((done) => checkpoint.save(done))
}

/** A store time that everything from `at` on is no older than, ms; 0 when none is known. */
function timeBelow(files: LogFiles, at: number): number {
  const start = files.startOf(at)
  const first = start < at ? start : start - files.fileSize
  return first < files.minOffset ? 0 : Math.max(0, storeTimeNow(files, first))
}

function capTimes(checkpoint: Checkpoint, time: number): void {
  checkpoint.physicMsgTimestamp = Math.min(checkpoint.physicMsgTimestamp, time)
  checkpoint.logicsMsgTimestamp = Math.min(checkpoint.logicsMsgTimestamp, time)
  checkpoint.indexMsgTimestamp = Math.min(checkpoint.indexMsgTimestamp, time)
}
