import { assert, isMalformed } from '@apogee/base'
import type { Env } from '@apogee/env'
import { CURRENT_VERSION, decodeHeader } from '@apogee/protocol'
import {
  type Answer,
  type AnyTypedHandler,
  type Connection,
  type HandlerRegistry,
  type Request,
  silentLogger,
} from '@apogee/remoting'
import type { NamesrvConfig } from '../config/config-table.ts'
import { NamesrvSettings } from '../config/namesrv-settings.ts'
import { namesrvRegistry } from '../handlers/registry.ts'
import { KvStore } from '../kv/kv-store.ts'
import { type MinBrokerIdNotice, RouteDriver } from '../route-driver.ts'

// For tests: the handlers without a network, with time and connections in the hands of the test.

export interface CallInput {
  fields?: Record<string, string>
  body?: Buffer
  /** Ordinal of MQVersion. */
  version?: number
  connection?: FakeConnection
}

/** What a handler and the driver see of a connection. */
export class FakeConnection {
  readonly id: number
  readonly remoteAddress: string = '10.0.0.1:1'
  closedBecause: string | null = null
  private readonly listeners: (() => void)[] = []

  constructor(id: number) {
    this.id = id
  }

  onClose(listener: () => void): void {
    this.listeners.push(listener)
  }

  close(reason: string): void {
    this.closedBecause ??= reason
    for (const listener of this.listeners.splice(0)) listener()
  }
}

/** The services of a NameServer around handlers: memory only, and a clock that the test sets. */
export class HandlerBench {
  nowMs = 1_000
  keepProblem: string | null = null
  readonly kept: Map<string, string> = new Map()
  readonly notices: MinBrokerIdNotice[] = []
  readonly settings: NamesrvSettings
  readonly routes: RouteDriver
  readonly registry: HandlerRegistry
  private readonly home = new FakeConnection(1)

  constructor(config: Partial<NamesrvConfig> = {}) {
    this.settings = new NamesrvSettings(config)
    const clock = { monotonicMs: () => this.nowMs } as Env['clock']
    const log = silentLogger
    this.routes = new RouteDriver(this.settings.values, {
      clock,
      log,
      notify: (notice) => this.notices.push(notice),
    })
    const options = { path: '', bytesMax: this.settings.values.kvConfigBytesMax }
    // Without a path the store never touches its disk.
    const kv = new KvStore(options, { env: {} as Env, log })
    this.registry = namesrvRegistry({
      routes: this.routes,
      kv,
      settings: this.settings,
      keepSettings: async (changes) => {
        for (const [key, value] of changes) this.kept.set(key, value)
        return this.keepProblem
      },
      upMs: () => this.nowMs,
      log,
    })
  }

  /** Calls a handler as the dispatcher does. */
  async call(code: number, input: CallInput = {}): Promise<Answer> {
    const handler = this.registry.get(code) as AnyTypedHandler | undefined
    assert(handler !== undefined, 'no handler', code)
    const fields = new Map(Object.entries(input.fields ?? {}))
    const header = decodeHeader(handler.header, fields)
    assert(!isMalformed(header), 'bad header', code, header)
    const request: Request<unknown> = {
      code,
      header,
      fields,
      body: input.body ?? Buffer.alloc(0),
      // Handlers and driver use no more of it than FakeConnection has.
      connection: (input.connection ?? this.home) as unknown as Connection,
      opaque: 1,
      oneway: false,
      version: input.version ?? CURRENT_VERSION,
      language: 0,
      reply() {},
    }
    const answer = await handler.handle(request)
    assert(answer !== null, 'no answer', code)
    return answer
  }
}
