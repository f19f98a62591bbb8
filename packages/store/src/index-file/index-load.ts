import { ApogeeError } from '@apogee/base'
import type { Disk } from '@apogee/env'
import type { StoreLogger } from '../store-logger.ts'
import { isIndexName } from './file-name.ts'
import { IndexFile } from './index-file.ts'
import { repairIndexFile } from './index-repair.ts'
import { entryPosition, fileSizeOf, type IndexSizes } from './layout.ts'

export interface IndexLoadOptions {
  /** The last run did not stop cleanly. */
  crashed: boolean
  /** Our own checkpoint, when it holds: the files are ours then, and a crash does them no harm. */
  sidecar: { indexedThrough: number } | null
  /** Of Apache's checkpoint. After a crash of an Apache broker files newer than this are dropped, as Apache does. */
  indexMsgTimestamp: number
  /** Where the log ends: what leads beyond is taken out. Without it nothing is. */
  logEnd?: number
}

/**
 * The index files of a folder that can be used, from the oldest. From the first one on that cannot, all are removed and
 * reported: they are built again from the log. `complete`: nothing with entries was removed.
 */
export function loadIndexFiles(
  folder: string,
  sizes: IndexSizes,
  options: IndexLoadOptions,
  disk: Disk,
  log: StoreLogger,
): { files: IndexFile[]; complete: boolean } {
  const files: IndexFile[] = []
  const dropped: IndexFile[] = []
  let reason: string | null = null
  let complete = true
  const drop = (file: IndexFile, why: string): void => {
    log.warn({ event: 'index-file-dropped', path: file.path, reason: why })
    dropped.push(file)
    if (why !== 'empty') complete = false
  }
  for (const name of disk.list(folder)) {
    if (!isIndexName(name)) {
      log.warn({ event: 'index-stray-file', folder, name })
      continue
    }
    const file = new IndexFile(folder, name, sizes, disk, true)
    reason = reason === null ? findFlaw(file, options, disk) : 'after-a-dropped-one'
    if (reason === null) files.push(file)
    else drop(file, reason)
  }
  // An empty last file says nothing, and would hide that the one before it needs a repair.
  while (files.at(-1)?.isEmpty === true) drop(files.pop()!, 'empty')
  const last = files.at(-1)
  if (last !== undefined && !repairLast(last, files.at(-2) ?? null, options, log)) {
    drop(files.pop()!, 'damaged')
  }
  for (const file of dropped) disk.remove(file.path)
  // A dropped file that came back after a power cut would look as if it belonged to the log as it is then.
  if (dropped.length > 0) disk.syncDirectory(folder)
  return { files, complete }
}

/**
 * Entries of records from here on are not kept. After a crash that is what the checkpoint does not cover: what one reads
 * there may be a write whose sync failed, which memory still shows and the disk does not have.
 */
function trustedEnd(options: IndexLoadOptions): number {
  const { crashed, logEnd, sidecar } = options
  const end = logEnd ?? Number.MAX_SAFE_INTEGER
  return crashed && sidecar !== null ? Math.min(end, sidecar.indexedThrough + 1) : end
}

function findFlaw(file: IndexFile, options: IndexLoadOptions, disk: Disk): string | null {
  const handle = disk.open(file.path)
  try {
    const size = handle.size()
    const expected = fileSizeOf(file.sizes)
    if (size > expected) {
      throw new ApogeeError(
        'INDEX_FILE_SIZE',
        `${file.path} has ${size} bytes, maxHashSlotNum and maxIndexNum make ${expected}`,
      )
    }
    const { header } = file
    if (!file.readHeader(handle)) return 'damaged'
    if (!file.isEmpty && size < entryPosition(file.sizes, header.indexCount)) return 'damaged'
    const { crashed, indexMsgTimestamp, sidecar } = options
    if (crashed && sidecar === null && header.endTimestamp > indexMsgTimestamp) {
      return 'newer-than-checkpoint'
    }
    const isBeyond = header.beginPhysicalOffset >= trustedEnd(options)
    return isBeyond && !file.isEmpty ? 'beyond-what-is-sure' : null
  } finally {
    handle.close()
  }
}

/** False when the file is damaged after all. */
function repairLast(
  file: IndexFile,
  before: IndexFile | null,
  options: IndexLoadOptions,
  log: StoreLogger,
): boolean {
  const end = trustedEnd(options)
  const isBeyond = file.header.endPhysicalOffset >= end
  if (!options.crashed && !isBeyond) return true
  file.unseal()
  const cut = repairIndexFile(file, before, end)
  if (cut === null) return false
  if (cut > 0) log.warn({ event: 'index-file-cut', path: file.path, entries: cut })
  if (!file.isDirty) file.seal()
  return true
}
