import { ApogeeError } from '@apogee/base'
import type { Env } from '@apogee/env'
import type { Logger } from '@apogee/remoting'
import { TextFile } from '../disk/text-file.ts'
import { KvTable } from './kv-table.ts'

export interface KvStoreOptions {
  /** kvConfig.json, absolute; empty = in memory only. */
  path: string
  /** Size of the table as JSON at most. */
  bytesMax: number
  /** Changes that wait for the one being saved; further ones are refused. Default 64. */
  changesWaitingMax?: number
}

/**
 * The KV table and its file. A change is visible once it is durable, so what is read never goes
 * back after a crash.
 */
export class KvStore {
  private current = new KvTable()
  private readonly options: KvStoreOptions
  private readonly file: TextFile | null
  private readonly log: Logger
  private saving: Promise<unknown> = Promise.resolve()
  private waiting = 0

  constructor(options: KvStoreOptions, deps: { env: Pick<Env, 'disk' | 'clock'>; log: Logger }) {
    this.options = options
    this.log = deps.log
    const { path, bytesMax } = options
    this.file = path === '' ? null : new TextFile(path, { bytesMax }, deps.env)
  }

  get table(): KvTable {
    return this.current
  }

  /** Reads the file, or its backup. Throws CONFIG_FILE_DAMAGED, or the DiskError. */
  load(): void {
    const found = this.file?.load((text) => KvTable.parse(text)) ?? null
    if (found === null) return
    this.current = found.value
    if (found.isDamaged) {
      this.log.warn({ event: 'kv_config_from_backup', path: this.options.path })
    }
  }

  /**
   * Changes the table, in the order of the calls. The error, when there is one, means that nothing
   * has changed: KV_CONFIG_TOO_LARGE, KV_CONFIG_BUSY, KV_CONFIG_NOT_SAVED.
   */
  async change(edit: (table: KvTable) => KvTable): Promise<ApogeeError | null> {
    const { changesWaitingMax = 64 } = this.options
    if (this.waiting >= changesWaitingMax) {
      return new ApogeeError('KV_CONFIG_BUSY', `changesWaitingMax=${changesWaitingMax} reached`)
    }
    this.waiting++
    const turn = this.saving.then(() => this.saveChange(edit))
    this.saving = turn
    const error = await turn
    this.waiting--
    return error
  }

  /** Resolves once no change waits. */
  async settled(): Promise<void> {
    await this.saving
  }

  private async saveChange(edit: (table: KvTable) => KvTable): Promise<ApogeeError | null> {
    const next = edit(this.current)
    if (next === this.current) return null
    const text = next.toJson()
    const { bytesMax } = this.options
    if (Buffer.byteLength(text) > bytesMax) {
      return new ApogeeError('KV_CONFIG_TOO_LARGE', `more than kvConfigBytesMax=${bytesMax}`)
    }
    try {
      await this.file?.save(text)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      this.log.error({ event: 'kv_config_not_saved', path: this.options.path, reason })
      return new ApogeeError('KV_CONFIG_NOT_SAVED', reason, { cause })
    }
    this.current = next
    return null
  }
}
