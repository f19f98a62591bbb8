import { setImmediate } from 'node:timers/promises'
import { Broker, BrokerConfig, type BrokerConfigValues } from '@apogee/broker'
import { type SimHost, SimWorld } from '@apogee/env/sim'
import { NameServer } from '@apogee/namesrv'
import { silentLogger } from '@apogee/remoting'
import {
  type AdminCommand,
  type CommandFiles,
  type CommandOutput,
  isStream,
  type Row,
} from '../command.ts'
import { adminCommands } from '../commands/all-commands.ts'
import { Admin } from '../operations/admin.ts'
import { readOptions } from '../options.ts'
import { TestConsumer, type TestConsumerOptions } from './test-consumer.ts'

export const NAMESRV = '10.0.1.1:9876'
export const BROKER_1 = '10.0.0.1:10911'
export const BROKER_2 = '10.0.0.2:10911'
export const CLUSTER = 'DefaultCluster'

/** Small files, so that a simulated disk stays small; routes reach the NameServer soon. */
const SMALL: Partial<BrokerConfigValues> = {
  mappedFileSizeCommitLog: 4 * 1024 * 1024,
  mappedFileSizeConsumeQueue: 60_000,
  maxHashSlotNum: 1000,
  maxIndexNum: 4000,
  storePathRootDir: '/store',
  listenPort: 10911,
  registerNameServerPeriod: 10_000,
}

/**
 * A NameServer, brokers `broker-1` … `broker-<n>` and an Admin, all of the real code, in one simulated network. Promises
 * settle while simulated time passes.
 */
export class AdminWorld {
  readonly world: SimWorld
  readonly admin: Admin
  readonly files: Map<string, string> = new Map()
  private readonly values: Partial<BrokerConfigValues>
  private consumers = 0

  constructor(
    seed: number,
    values: Partial<BrokerConfigValues> = {},
    namesrvAddrs: readonly string[] = [NAMESRV],
  ) {
    this.world = new SimWorld(seed)
    this.values = values
    this.admin = Admin.connect({ namesrvAddrs }, this.world.host('10.0.2.1').boot())
  }

  static async start(
    seed: number,
    brokers = 1,
    values: Partial<BrokerConfigValues> = {},
  ): Promise<AdminWorld> {
    const world = new AdminWorld(seed, values)
    await world.startNameServer()
    for (let i = 1; i <= brokers; i++) await world.startBroker(i)
    return world
  }

  async startNameServer(): Promise<void> {
    const host = '10.0.1.1'
    const config = { bindAddress: host, listenPort: 9876, kvConfigPath: '/kv/kvConfig.json' }
    const env = this.world.host(host).boot()
    await this.settle(new NameServer(config, { env, log: silentLogger }).start())
  }

  async startBroker(number: number, values: Partial<BrokerConfigValues> = {}): Promise<void> {
    const host = `10.0.0.${number}`
    const config = BrokerConfig.of({
      ...SMALL,
      brokerName: `broker-${number}`,
      bindAddress: host,
      brokerIP1: host,
      namesrvAddr: NAMESRV,
      ...this.values,
      ...values,
    })
    const env = this.world.host(host).boot()
    await this.settle(new Broker(config, { env, log: silentLogger }).start())
    await this.pass(200)
  }

  machine(host: string): SimHost {
    return this.world.host(host)
  }

  /** A topic on every broker, known to the NameServer when this returns. */
  async topic(name: string, queues = 2): Promise<void> {
    await this.settle(this.admin.topics.create(name, { queues }))
    await this.pass(500)
  }

  /** Messages `<prefix>-0` … to one queue. */
  async send(
    topic: string,
    count: number,
    options: { queueId?: number; brokerName?: string; tags?: string; keys?: string } = {},
  ): Promise<void> {
    const { queueId = 0, brokerName = 'broker-1', ...rest } = options
    const { admin } = this
    const place = await this.settle(admin.messages.placeFor(topic, brokerName, queueId))
    for (let i = 0; i < count; i++) {
      const message = { topic, body: Buffer.from(`m-${i}`), ...rest }
      await this.settle(admin.messages.send(message, place))
    }
    // The key index follows the log.
    await this.pass(100)
  }

  /** A consumer on a machine of its own that is online when this returns. */
  async consumer(options: TestConsumerOptions): Promise<TestConsumer> {
    this.consumers += 1
    const host = `10.0.3.${this.consumers}`
    const consumer = new TestConsumer(this.world.host(host).boot(), `${host}@test`, options)
    for (const broker of options.brokers ?? [BROKER_1]) {
      await this.settle(consumer.heartbeat(broker))
    }
    return consumer
  }

  /** Runs a command by mqadmin's name or as `noun verb`. `raw` is what a parser of command lines gives. */
  run(name: string, raw: Record<string, unknown> = {}): Promise<CommandOutput> {
    return this.settle(this.start(name, raw))
  }

  /** The rows of the table that a command gives. */
  async rows(name: string, raw: Record<string, unknown> = {}): Promise<readonly Row[]> {
    const output = await this.run(name, raw)
    if (output.kind !== 'table') throw new Error(`${name} gave ${output.kind}`)
    return output.rows
  }

  /** The first outputs of a streaming command, which is then ended. */
  async stream(
    name: string,
    raw: Record<string, unknown>,
    count: number,
  ): Promise<CommandOutput[]> {
    const stop = new AbortController()
    const outputs: CommandOutput[] = []
    const result = this.invoke(name, raw, stop.signal)
    if (!isStream(result)) throw new Error(`${name} is no stream`)
    const read = async (): Promise<void> => {
      for await (const output of result) {
        outputs.push(output)
        if (outputs.length >= count) stop.abort()
      }
    }
    await this.settle(read())
    return outputs
  }

  /** Lets simulated time pass until the promise settles. */
  settle<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    return this.world.clock.settle(promise, () => setImmediate(), limitMs)
  }

  pass(ms: number): Promise<void> {
    return this.world.clock.runForAsync(ms, () => setImmediate())
  }

  private async start(name: string, raw: Record<string, unknown>): Promise<CommandOutput> {
    const result = this.invoke(name, raw, new AbortController().signal)
    if (isStream(result)) throw new Error(`${name} streams`)
    return result
  }

  private invoke(
    name: string,
    raw: Record<string, unknown>,
    signal: AbortSignal,
  ): ReturnType<AdminCommand['run']> {
    const { admin } = this
    const { clock } = admin.transport
    const found = commandOf(name)
    const options = readOptions(found, raw, clock.wallMs())
    // The sentence must hold for whatever options the command takes.
    found.damage?.(options)
    return found.run(
      { admin, transport: admin.transport, clock, signal, files: this.fileAccess },
      options,
    )
  }

  private readonly fileAccess: CommandFiles = {
    read: async (path) => {
      const text = this.files.get(path)
      if (text === undefined) throw new Error(`ENOENT ${path}`)
      return Buffer.from(text)
    },
    write: async (path, bytes) => {
      this.files.set(path, Buffer.from(bytes).toString())
    },
  }
}

export function commandOf(name: string): AdminCommand {
  const found = adminCommands.find((one) => one.name === name || one.path?.join(' ') === name)
  if (found === undefined) throw new Error(`no command ${name}`)
  return found
}
