import type { Env } from '@apogee/env'
import { TextFile } from '../disk/text-file.ts'
import { editProperties } from './edit-properties.ts'

/** A configuration file written by hand is not larger. */
const BYTES_MAX = 1024 * 1024

/**
 * Puts changes made at runtime into the properties file of the NameServer; what else is in it
 * stays.
 */
export class SettingsFile {
  private readonly file: TextFile | null
  private saving: Promise<unknown> = Promise.resolve()

  /** An empty path keeps nothing. */
  constructor(path: string, env: Pick<Env, 'disk' | 'clock'>) {
    this.file = path === '' ? null : new TextFile(path, { bytesMax: BYTES_MAX }, env)
  }

  /** Resolves once the changes are durable, or to the reason why they are not. */
  keep(changes: ReadonlyMap<string, string>): Promise<string | null> {
    const turn = this.saving.then(() => this.write(changes))
    this.saving = turn
    return turn
  }

  /** Resolves once no change waits. */
  async settled(): Promise<void> {
    await this.saving
  }

  private async write(changes: ReadonlyMap<string, string>): Promise<string | null> {
    if (this.file === null || changes.size === 0) return null
    try {
      const before = this.file.load((text) => text)?.value ?? ''
      await this.file.save(editProperties(before, changes))
      return null
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
}
