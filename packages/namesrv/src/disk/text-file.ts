import { ApogeeError, type Decoded, isMalformed, Malformed } from '@apogee/base'
import type { Disk, DiskError, DiskFile } from '@apogee/env'

/**
 * A small text file that is replaced as a whole: the new text is durable under `<path>.tmp` before it takes the name; the old one
 * stays as `<path>.bak` (Java: MixAll.string2File). One save at a time: the owner waits for the last one.
 */
export class TextFile {
  readonly path: string
  private readonly disk: Disk
  private readonly bytesMax: number

  constructor(path: string, options: { bytesMax: number }, disk: Disk) {
    this.path = path
    this.bytesMax = options.bytesMax
    this.disk = disk
  }

  /**
   * What the file says, or, when that is missing or malformed, what its backup says; `null` when there is neither. Throws
   * TEXT_FILE_MALFORMED when there is something but nothing good: to go on empty would lose it at the next save.
   */
  load<T>(parse: (text: string) => Decoded<T>): { value: T; fromBackup: boolean } | null {
    const current = this.read(this.path, parse)
    if (current !== null && !isMalformed(current)) return { value: current, fromBackup: false }
    const backup = this.read(`${this.path}.bak`, parse)
    if (backup !== null && !isMalformed(backup)) return { value: backup, fromBackup: true }
    if (current === null && backup === null) return null
    throw new ApogeeError('TEXT_FILE_MALFORMED', `${this.path}: ${detailOf(current ?? backup)}`)
  }

  private read<T>(path: string, parse: (text: string) => Decoded<T>): Decoded<T> | null {
    const found = this.disk.stat(path)
    if (found === null) return null
    if (found.size > this.bytesMax) return new Malformed('TEXT_FILE_TOO_LARGE', `${found.size}`)
    const file = this.disk.open(path)
    try {
      const bytes = new Uint8Array(found.size)
      const length = file.readNow(bytes, 0, bytes.length, 0)
      return parse(new TextDecoder().decode(bytes.subarray(0, length)))
    } finally {
      file.close()
    }
  }

  /** Resolves once the text is durable under its name. Rejects with the DiskError; the file is as it was then. */
  async save(text: string): Promise<void> {
    makeFolderDurable(this.disk, parentOf(this.path))
    const temporary = `${this.path}.tmp`
    // A new file each time: one whose sync failed must not be trusted again.
    this.disk.remove(temporary)
    const file = this.disk.open(temporary, { create: true })
    try {
      await writeAndSync(file, Buffer.from(text))
    } finally {
      file.close()
    }
    if (this.disk.exists(this.path)) this.disk.rename(this.path, `${this.path}.bak`)
    this.disk.rename(temporary, this.path)
    this.disk.syncDirectory(parentOf(this.path))
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

/** Makes a folder; the name of a new one is durable only after the sync of the folder above it. */
function makeFolderDurable(disk: Disk, folder: string): void {
  const missing: string[] = []
  for (let at = folder; disk.stat(at) === null; at = parentOf(at)) missing.push(at)
  if (missing.length === 0) return
  disk.makeFolder(folder)
  for (const made of missing) disk.syncDirectory(parentOf(made))
}

function detailOf(value: unknown): string {
  return isMalformed(value) ? `${value.code} ${value.detail}` : ''
}

function writeAndSync(file: DiskFile, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error: DiskError | null): void => (error === null ? resolve() : reject(error))
    file.write([bytes], 0, (error) => (error === null ? file.sync(settle) : reject(error)))
  })
}
