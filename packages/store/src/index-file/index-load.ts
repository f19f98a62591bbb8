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
 * reported: they are built again from the log.
 */
export function loadIndexFiles(
  folder: string,
  sizes: IndexSizes,
  options: IndexLoadOptions,
  disk: Disk,
  log: StoreLogger,
): IndexFile[] {
  const files: IndexFile[] = []
  let reason: string | null = null
  for (const name of disk.list(folder)) {
    if (!isIndexName(name)) {
      log.warn({ event: 'index-stray-file', folder, name })
      continue
    }
    const file = new IndexFile(folder, name, sizes, disk, true)
    reason = reason === null ? findFlaw(file, options, disk) : 'after-a-dropped-one'
    if (reason === null) files.push(file)
    else {
      log.warn({ event: 'index-file-dropped', path: file.path, reason })
      disk.remove(file.path)
    }
  }
  const last = files.at(-1)
  if (last !== undefined) repairLast(last, files.at(-2) ?? null, options, log)
  return files
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
    const { crashed, indexMsgTimestamp, logEnd, sidecar } = options
    if (crashed && sidecar === null && header.endTimestamp > indexMsgTimestamp) {
      return 'newer-than-checkpoint'
    }
    const beyond = logEnd !== undefined && header.beginPhysicalOffset >= logEnd
    return beyond && !file.isEmpty ? 'beyond-the-log' : null
  } finally {
    handle.close()
  }
}

function repairLast(
  file: IndexFile,
  before: IndexFile | null,
  options: IndexLoadOptions,
  log: StoreLogger,
): void {
  const logEnd = options.logEnd ?? Number.MAX_SAFE_INTEGER
  const isBeyond = file.header.endPhysicalOffset >= logEnd
  if (!options.crashed && !isBeyond) return
  file.unseal()
  const cut = repairIndexFile(file, before, logEnd)
  if (cut > 0) log.warn({ event: 'index-file-cut', path: file.path, entries: cut })
  if (!file.isDirty) file.seal()
}
