import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { ApogeeError, isMalformed } from '@apogee/base'
import {
  decodeRegisterBrokerBody,
  encodeBody,
  KVTable,
  RequestCode,
  ResponseCode,
} from '@apogee/protocol'
import { type Connection, type Response, silentLogger } from '@apogee/remoting'
import { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerConfigValues } from '../config/config-values.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { BrokerOuterApi, nameServers } from './broker-outer-api.ts'

/** A NameServer that answers after 10 ms, or not. */
class FakeNameServer {
  readonly codes: number[] = []
  /** Topics of each registration, and fields. */
  readonly registrations: { topics: string[]; perms: number[]; fields: Map<string, string> }[] = []
  isAway = false
  orderTopics: string[] = []
  private listeners: (() => void)[] = []
  private readonly clock: ManualClock

  constructor(clock: ManualClock) {
    this.clock = clock
  }

  connection(): Connection {
    const fake = {
      onClose: (listener: () => void) => this.listeners.push(listener),
      request: (
        code: number,
        fields: Map<string, string>,
        body: Buffer | null,
        _timeoutMs: number,
        done: (error: ApogeeError | null, response: Response | null) => void,
      ) => {
        this.clock.after(10, () => {
          if (this.isAway) done(new ApogeeError('REMOTING_CONNECT_FAILED', 'away'), null)
          else done(null, this.take(code, fields, body))
        })
      },
    }
    return fake as unknown as Connection
  }

  dropConnection(): void {
    const listeners = this.listeners
    this.listeners = []
    for (const listener of listeners) listener()
  }

  private take(code: number, fields: Map<string, string>, body: Buffer | null): Response {
    this.codes.push(code)
    const answer: Response = {
      code: ResponseCode.SUCCESS,
      remark: null,
      fields: new Map(),
      body: Buffer.alloc(0),
    }
    if (code !== RequestCode.REGISTER_BROKER) return answer
    const compressed = fields.get('compressed') === 'true'
    const data = decodeRegisterBrokerBody(body ?? Buffer.alloc(0), compressed, 479)
    if (isMalformed(data)) throw new Error(data.detail)
    const table = [...data.topicConfigSerializeWrapper.topicConfigTable.values()]
    this.registrations.push({
      topics: table.map((topic) => topic.topicName).sort(),
      perms: table.map((topic) => topic.perm),
      fields,
    })
    const order = new Map(this.orderTopics.map((topic) => [topic, 'broker-a:1']))
    return { ...answer, body: encodeBody(KVTable, { table: order }) }
  }
}

interface Setup {
  clock: ManualClock
  config: BrokerConfig
  topics: TopicConfigManager
  servers: Map<string, FakeNameServer>
  outer: BrokerOuterApi
  start: () => void
}

function setUp(values: Partial<BrokerConfigValues> = {}): Setup {
  const clock = new ManualClock()
  const config = BrokerConfig.of({ namesrvAddr: 'a:1;b:2', ...values })
  const topics = new TopicConfigManager(config, { clock, log: silentLogger })
  const servers = new Map(['a:1', 'b:2'].map((name) => [name, new FakeNameServer(clock)]))
  const outer = new BrokerOuterApi(config, {
    client: { connection: (address) => servers.get(address)!.connection() },
    clock,
    log: silentLogger,
    topics,
  })
  const addresses = { brokerAddr: '10.0.0.1:10911', haServerAddr: '10.0.0.1:10912' }
  return { clock, config, topics, servers, outer, start: () => outer.start(addresses) }
}

test('addresses are split at semicolons, doubles and blanks left out', () => {
  deepEqual(nameServers(' a:1; b:2;;a:1 '), ['a:1', 'b:2'])
  deepEqual(nameServers(''), [])
})

test('everything is registered with each NameServer at once and again each period', () => {
  const { clock, outer, servers, start, topics } = setUp()
  start()
  clock.advance(20)
  equal(outer.registeredCount, 2)
  for (const server of servers.values()) {
    equal(server.registrations[0]?.topics.length, topics.size)
    equal(server.registrations[0]?.fields.get('brokerAddr'), '10.0.0.1:10911')
  }
  clock.advance(30_000)
  equal(servers.get('a:1')?.registrations.length, 2)
})

test('a new topic is told at once and alone; several meanwhile go together', () => {
  const { clock, servers, start, topics } = setUp({ compressedRegister: true })
  start()
  topics.createInSend('orders', 'TBW102', 4, 0, 'x')
  clock.advance(20)
  topics.createInSend('more', 'TBW102', 4, 0, 'x')
  topics.createInSend('and-more', 'TBW102', 4, 0, 'x')
  topics.createInSend('third', 'TBW102', 4, 0, 'x')
  clock.advance(100)
  const [full, ...rest] = servers.get('a:1')!.registrations
  equal(full?.topics.includes('BenchmarkTest'), true)
  deepEqual(
    rest.map(({ topics: names }) => names),
    [['orders'], ['more'], ['and-more', 'third']],
  )
})

test('a NameServer that is away does not hold up the other and gets everything when it is back', () => {
  const { clock, outer, servers, start, topics } = setUp()
  const away = servers.get('b:2')!
  away.isAway = true
  start()
  clock.advance(20)
  equal(outer.registeredCount, 1)
  topics.createInSend('orders', 'TBW102', 4, 0, 'x')
  clock.advance(5000)
  away.isAway = false
  clock.advance(9000)
  equal(outer.registeredCount, 2)
  equal(away.registrations[0]?.topics.includes('orders'), true)
  equal(away.registrations[0]?.topics.includes('TBW102'), true)
})

test('after a lost connection everything is registered again within seconds', () => {
  const { clock, outer, servers, start } = setUp()
  start()
  clock.advance(20)
  servers.get('a:1')!.dropConnection()
  equal(outer.registeredCount, 1)
  clock.advance(1100)
  equal(outer.registeredCount, 2)
  equal(servers.get('a:1')?.registrations.length, 2)
})

test('the broker s own permission shows in all topics', () => {
  const { clock, config, servers, start, topics } = setUp()
  start()
  clock.advance(20)
  config.update(new Map([['brokerPermission', '4']]))
  topics.touch()
  clock.advance(20)
  const last = servers.get('a:1')!.registrations.at(-1)!
  equal(last.topics.length, topics.size)
  equal(
    last.perms.every((perm) => (perm & 2) === 0),
    true,
  )
})

test('order topics that a NameServer names are marked', () => {
  const { clock, servers, start, topics } = setUp()
  topics.createInSend('orders', 'TBW102', 4, 0, 'x')
  servers.get('a:1')!.orderTopics = ['orders']
  start()
  clock.advance(20)
  equal(topics.isOrderTopic('orders'), true)
})

test('a stop says good-bye to those who know the broker and registers no more', async () => {
  const { clock, outer, servers, start } = setUp()
  servers.get('b:2')!.isAway = true
  start()
  clock.advance(20)
  const stopped = outer.stop()
  clock.advance(20)
  await stopped
  clock.advance(60_000)
  deepEqual(servers.get('a:1')?.codes, [RequestCode.REGISTER_BROKER, RequestCode.UNREGISTER_BROKER])
})

/** Whether what `told` promised was kept, after each of some times. */
async function toldAfter({ clock, outer }: Setup, ...timesMs: number[]): Promise<boolean[]> {
  let isTold = false
  void outer.told().then(() => {
    isTold = true
  })
  const seen: boolean[] = []
  for (const timeMs of timesMs) {
    clock.advance(timeMs)
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    seen.push(isTold)
  }
  return seen
}

test('who waits until NameServers were told waits for the registration that has the change', async () => {
  const setup = setUp()
  const { clock, start, servers, topics } = setup
  start()
  clock.advance(20)
  topics.createInSend('one', 'TBW102', 4, 0, 'x')
  topics.createInSend('two', 'TBW102', 4, 0, 'x')
  // The first is under way, the second goes with the next.
  deepEqual(await toldAfter(setup, 9, 6, 6), [false, false, true])
  deepEqual(servers.get('b:2')?.registrations.at(-1)?.topics, ['two'])
  deepEqual(await toldAfter(setup, 0), [true])
})

test('nobody waits for a NameServer that is away, nor longer than 3 s, nor without NameServers', async () => {
  const away = setUp()
  away.servers.get('b:2')!.isAway = true
  away.start()
  away.clock.advance(20)
  away.topics.createInSend('one', 'TBW102', 4, 0, 'x')
  deepEqual(await toldAfter(away, 5, 6), [false, true])

  const mute = setUp()
  mute.start()
  mute.clock.advance(20)
  mute.servers.get('a:1')!.connection = () => ({ onClose: () => {}, request: () => {} }) as never
  mute.topics.createInSend('one', 'TBW102', 4, 0, 'x')
  deepEqual(await toldAfter(mute, 2990, 20), [false, true])

  const alone = setUp({ namesrvAddr: '' })
  alone.start()
  deepEqual(await toldAfter(alone, 0), [true])
})

test('a deleted topic is out of the next registration at once, also when it was not told yet', () => {
  const { clock, servers, start, topics } = setUp()
  start()
  clock.advance(20)
  topics.createInSend('one', 'TBW102', 4, 0, 'x')
  topics.createInSend('two', 'TBW102', 4, 0, 'x')
  topics.delete(['one', 'two'])
  clock.advance(30)
  const last = servers.get('a:1')!.registrations.at(-1)!
  equal(last.topics.length, topics.size)
  equal(last.topics.includes('two'), false)
})
