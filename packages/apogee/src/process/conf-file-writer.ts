import { chmodSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Env } from '@apogee/env'
import { SettingsFile } from '@apogee/namesrv'

/** A configuration file that takes changes made at runtime; who may read it stays as it is. */
export class ConfFileWriter {
  private readonly path: string
  private readonly file: SettingsFile

  constructor(path: string, env: Env) {
    this.path = resolve(path)
    this.file = new SettingsFile(this.path, env)
  }

  /** Resolves once the changes are durable, or to the reason why they are not. */
  async keep(changes: ReadonlyMap<string, string>): Promise<string | null> {
    try {
      const before = statSync(this.path, { throwIfNoEntry: false })
      const failure = await this.file.keep(changes)
      if (failure === null && before !== undefined) chmodSync(this.path, before.mode)
      return failure
    } catch (error) {
      return (error as Error).message
    }
  }

  /** Resolves once no change waits. */
  settled(): Promise<void> {
    return this.file.settled()
  }
}
