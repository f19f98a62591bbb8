import { ApogeeError, type Decoded, isMalformed } from '@apogee/base'
import type { Disk, Env } from '@apogee/env'
import { ConfigFile } from '@apogee/store'

/**
 * A small text file that is replaced as a whole, with its backup (ConfigFile); a folder that is
 * made for it is durable, too. One save at a time: the owner waits for the last one.
 */
export class TextFile {
  readonly path: string
  private readonly disk: Disk
  private readonly bytesMax: number
  private readonly file: ConfigFile
  private isDamaged = false

  constructor(path: string, options: { bytesMax: number }, env: Pick<Env, 'disk' | 'clock'>) {
    this.path = path
    this.disk = env.disk
    this.bytesMax = options.bytesMax
    const onError = (): void => {
      this.isDamaged = true
    }
    this.file = new ConfigFile(path, { disk: env.disk, clock: env.clock, onError })
  }

  /**
   * What the file says, or, when that is missing or malformed, what its backup says; `null` when
   * there is neither. Throws CONFIG_FILE_DAMAGED when there is something but nothing good: to go on
   * empty would lose it at the next save.
   */
  load<T>(parse: (text: string) => Decoded<T>): { value: T; isDamaged: boolean } | null {
    this.isDamaged = false
    const value = this.file.load((text) => {
      if (Buffer.byteLength(text) > this.bytesMax) {
        throw new ApogeeError('CONFIG_FILE_TOO_LARGE', `more than ${this.bytesMax} bytes`)
      }
      const parsed = parse(text)
      if (isMalformed(parsed)) throw new ApogeeError(parsed.code, parsed.detail)
      return parsed
    })
    // `load` reports a damaged file for which the backup served before it returns.
    return value === null ? null : { value, isDamaged: this.isDamaged }
  }

  /**
   * Resolves once the text is durable under its name. Rejects with the DiskError; file or backup
   * are as they were then.
   */
  async save(text: string): Promise<void> {
    makeFolderDurable(this.disk, parentOf(this.path))
    await new Promise<void>((resolve, reject) => {
      this.file.save(text, (error) => (error === null ? resolve() : reject(error)))
    })
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
