import type { HaDeps } from './ha-deps.ts'
import type { HaMasterOptions } from './ha-options.ts'
import type { HaPeerStatus } from './ha-status.ts'

/** The master's replication port (Java: DefaultHAService, DefaultHAConnection, GroupTransferService). */
export class HaMaster {
  private readonly options: HaMasterOptions
  private readonly deps: HaDeps

  constructor(options: HaMasterOptions, deps: HaDeps) {
    this.options = options
    this.deps = deps
  }

  /** Listens; the real port. With inSyncReplicas above 1 the store's acknowledgements wait for slaves from now on. */
  start(): Promise<number> {
    void this.deps
    return Promise.resolve(this.options.port)
  }

  /** Closes the port and every connection. Nothing is sent or acknowledged afterwards. */
  stop(): void {}

  /** Those that are connected and have shown who they are. */
  get peers(): HaPeerStatus[] {
    return []
  }

  /** Replicas that are in sync, this master included. */
  get inSyncReplicas(): number {
    return 1
  }

  /** Slaves that follow. */
  get connected(): number {
    return 0
  }
}
