import { isMalformed } from '@apogee/base'
import type { Disk } from '@apogee/env'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import type { MessageQueue } from '../api/message.ts'
import type { ClientLogger } from '../api/options.ts'
import {
  decodeLocalOffsets,
  encodeLocalOffsets,
  mergeOffsets,
  type QueueOffset,
} from '../core/offset-table.ts'
import { isSameQueue } from '../core/queue-key.ts'
import type { OffsetOf, OffsetStore, StoredOffset } from './offset-store.ts'

const FILE_NAME = 'offsets.json'
/** Larger than any group's offsets: a file beyond it is not ours. */
const FILE_MAX_SIZE = 64 * 1024 * 1024

/**
 * Offsets of a broadcasting member: `<folder>/<clientId>/<group>/offsets.json` with the one before as `.bak`, in
 * the form of Java's LocalFileOffsetStore, so that a member can change its language and go on.
 */
export class FileOffsetStore implements OffsetStore {
  private readonly disk: Disk
  private readonly log: ClientLogger
  private readonly folder: string
  private entries: QueueOffset[] = []
  private isLoaded = false

  constructor(disk: Disk, log: ClientLogger, folder: string) {
    this.disk = disk
    this.log = log
    this.folder = folder
  }

  get path(): string {
    return `${this.folder}/${FILE_NAME}`
  }

  /** Reads the file, or its `.bak` when it is missing or damaged. Throws RMQ_OFFSET_STORE when neither can be read. */
  load(): void {
    if (this.isLoaded) return
    const offsets = this.readFile(this.path) ?? this.readFile(`${this.path}.bak`)
    if (offsets === null && this.disk.exists(this.path)) {
      const text = `${this.path} and its .bak cannot be read: remove them to begin anew`
      throw new RocketMQError(ErrorCode.OFFSET_STORE, text)
    }
    this.entries = offsets ?? []
    this.isLoaded = true
  }

  read(queue: MessageQueue): Promise<StoredOffset> {
    const entry = this.entries.find(([known]) => isSameQueue(known, queue))
    return Promise.resolve(entry?.[1] ?? null)
  }

  persist(offsets: readonly OffsetOf[]): readonly OffsetOf[] {
    try {
      this.write(offsets, false)
      return offsets
    } catch (error) {
      this.log.error({ event: 'offsets_not_written', path: this.path, err: error })
      return []
    }
  }

  persistNow(offsets: readonly OffsetOf[]): Promise<void> {
    try {
      this.write(offsets, true)
      return Promise.resolve()
    } catch (cause) {
      const text = `${this.path} cannot be written`
      return Promise.reject(new RocketMQError(ErrorCode.OFFSET_STORE, text, { cause }))
    }
  }

  private write(offsets: readonly OffsetOf[], isDurable: boolean): void {
    const changed = offsets.map(({ queue, offset }) => [queue, offset] as const)
    const isChanged = changed.length > 0
    this.entries = mergeOffsets(this.entries, changed)
    if (isChanged || isDurable) this.writeFile(isDurable)
  }

  /** The new file is complete under another name before it takes the place of the old one, which becomes `.bak`. */
  private writeFile(isDurable: boolean): void {
    const bytes = encodeLocalOffsets(this.entries)
    const next = `${this.path}.tmp`
    this.disk.makeFolder(this.folder)
    this.disk.remove(next)
    const file = this.disk.open(next, { create: true })
    try {
      file.writeNow(bytes, 0)
      if (isDurable) file.syncNow()
    } finally {
      file.close()
    }
    if (this.disk.exists(this.path)) this.disk.rename(this.path, `${this.path}.bak`)
    this.disk.rename(next, this.path)
    if (isDurable) this.disk.syncDirectory(this.folder)
  }

  private readFile(path: string): QueueOffset[] | null {
    const size = this.disk.stat(path)?.size ?? 0
    if (size === 0 || size > FILE_MAX_SIZE) return null
    const bytes = Buffer.alloc(size)
    const file = this.disk.open(path)
    try {
      file.readNow(bytes, 0, size, 0)
    } finally {
      file.close()
    }
    const offsets = decodeLocalOffsets(bytes)
    if (!isMalformed(offsets)) return offsets
    this.log.warn({ event: 'offsets_unreadable', path, detail: offsets.detail })
    return null
  }
}
