import { ApogeeError } from '@apogee/base'
import type { Clock, Disk, DiskError, DiskFile, Done } from '@apogee/env'
import { folderOf } from '../checkpoint/paths.ts'

export interface ConfigFileDeps {
  disk: Disk
  clock: Clock
  /** A save failed, or the file was damaged and the copy had to serve. */
  onError: (error: Error) => void
}

/** A file above this is not one of ours. */
const FILE_BYTES_MAX = 256 * 1024 * 1024

/**
 * One of Apache's config/<name>.json files with its copy in <name>.json.bak (ConfigManager.java). Text in, text out;
 * what it means is the owner's business. A save writes a new file beside it, syncs that, keeps the old one as the
 * copy, and renames: at every moment the file or the copy is whole. Saves do not queue up: one is under way, and the
 * newest text waits.
 */
export class ConfigFile {
  readonly path: string
  private readonly disk: Disk
  private readonly clock: Clock
  private readonly onError: (error: Error) => void
  /** What is in the file, to leave out saves that change nothing. */
  private current: string | null = null
  /** The file could not be used, so it must not become the copy. */
  private damaged = false
  /** This process made the folder's own name durable. */
  private folderNamed = false
  private saving = false
  private waiting: string | null = null
  private callbacks: Done[] = []
  private waitingCallbacks: Done[] = []

  constructor(path: string, deps: ConfigFileDeps) {
    this.path = path
    this.disk = deps.disk
    this.clock = deps.clock
    this.onError = deps.onError
  }

  /**
   * What `decode` makes of the text; of the copy's text when the file is missing or empty, or `decode` throws. `null` when
   * there is neither. Throws a DiskError, or CONFIG_FILE_DAMAGED when there is something but none of it can be decoded.
   */
  load<T>(decode: (text: string) => T): T | null {
    let failure: unknown = null
    for (const path of [this.path, `${this.path}.bak`]) {
      const text = this.read(path)
      if (text === null) {
        if (path === this.path) this.damaged = this.disk.exists(path)
        continue
      }
      try {
        const value = decode(text)
        if (path === this.path) this.current = text
        if (failure !== null) this.onError(failure as Error)
        return value
      } catch (error) {
        failure = new ApogeeError('CONFIG_FILE_DAMAGED', `${path} cannot be decoded`, {
          cause: error,
        })
        if (path === this.path) this.damaged = true
      }
    }
    if (failure !== null) throw failure
    return null
  }

  /**
   * Saves `text`, off the loop but for the renames. `done`, and `onError` with it, get the error; nothing is tried
   * again.
   */
  save(text: string, done: Done = ignore): void {
    if (this.saving) {
      this.waiting = text
      this.waitingCallbacks.push(done)
      return
    }
    this.saving = true
    this.callbacks = [done]
    if (text === this.current) this.clock.soon(() => this.finish(null))
    else this.writeNew(text)
  }

  /** Calls back once no save is under way or waiting. */
  close(done: () => void): void {
    if (!this.saving) this.clock.soon(done)
    else if (this.waiting !== null) this.waitingCallbacks.push(() => done())
    else this.callbacks.push(() => done())
  }

  private writeNew(text: string): void {
    let file: DiskFile
    try {
      file = this.disk.open(this.temporary, { create: true })
      file.truncate(0)
    } catch (error) {
      this.clock.soon(() => this.finish(error as DiskError))
      return
    }
    file.write([Buffer.from(text)], 0, (error) => {
      if (error !== null) this.written(file, text, error)
      else file.sync((syncError) => this.written(file, text, syncError))
    })
  }

  private written(file: DiskFile, text: string, error: DiskError | null): void {
    let failure = error
    try {
      file.close()
      if (failure === null) this.swap()
    } catch (swapError) {
      failure ??= swapError as DiskError
    }
    if (failure === null) {
      this.current = text
      this.damaged = false
    }
    this.finish(failure)
  }

  private swap(): void {
    if (!this.damaged && this.disk.exists(this.path)) {
      this.disk.rename(this.path, `${this.path}.bak`)
    }
    this.disk.rename(this.temporary, this.path)
    const folder = folderOf(this.path)
    this.disk.syncDirectory(folder)
    if (!this.folderNamed) this.disk.syncDirectory(folderOf(folder))
    this.folderNamed = true
  }

  private finish(error: DiskError | null): void {
    const callbacks = this.callbacks
    const next = this.waiting
    this.saving = false
    this.waiting = null
    if (error !== null) {
      // What is there now is not known: the next save must write.
      this.current = null
      this.onError(error)
    }
    if (next !== null) {
      const nextCallbacks = this.waitingCallbacks
      this.waitingCallbacks = []
      this.save(next)
      this.callbacks.push(...nextCallbacks)
    }
    for (const callback of callbacks) callback(error)
  }

  private get temporary(): string {
    return `${this.path}.tmp`
  }

  private read(path: string): string | null {
    if (!this.disk.exists(path)) return null
    const file = this.disk.open(path)
    try {
      const size = file.size()
      if (size > FILE_BYTES_MAX) {
        throw new ApogeeError('CONFIG_FILE_TOO_LARGE', `${path} has ${size} bytes`)
      }
      const bytes = Buffer.alloc(size)
      const length = file.readNow(bytes, 0, size, 0)
      return length === 0 ? null : bytes.toString('utf8', 0, length)
    } finally {
      file.close()
    }
  }
}

function ignore(): void {
  // A save nobody waits for: onError hears of a failure.
}
