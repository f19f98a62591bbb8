import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { type ExtFields, encodeBatch, RequestCode, ResponseCode } from '@apogee/protocol'
import { BrokerWorld } from '../testing/broker-world.ts'
import { pullHeader, pullWith, sendFields, sendHeader, sendWith } from '../testing/requests.ts'

// Random fields and bodies for every code that the broker serves: each request is answered with a code, no handler throws,
// and an honest client is served afterwards. APOGEE_SEED: where to start; APOGEE_FUZZ_RUNS: how many seeds.

const FIRST_SEED = Number(process.env['APOGEE_SEED'] ?? 1)
const RUNS = Number(process.env['APOGEE_FUZZ_RUNS'] ?? 2)

/** Values that are wrong in most places, and right in some. */
const VALUES: readonly string[] = [
  '',
  ' ',
  '0',
  '-1',
  '1',
  '2147483648',
  '-9223372036854775808',
  '9223372036854775807',
  '1e9',
  'NaN',
  'true',
  'FALSE',
  'null',
  '{}',
  '[]',
  '"',
  '\\',
  '\u0000',
  '\u0001\u0002',
  'a\u0001b\u0002',
  'WAIT\u0001false\u0002DELAY\u00013\u0002',
  'DELAY\u0001-\u0002',
  'orders',
  '%RETRY%g',
  '%RETRY%',
  '%DLQ%g',
  '../../etc/passwd',
  'SCHEDULE_TOPIC_XXXX',
  'g',
  'SQL92',
  'a > 1 AND (',
  '𝄞é€',
  'x'.repeat(300),
  '('.repeat(2000),
]

class Fuzzer {
  private readonly prng: Prng

  constructor(seed: number) {
    this.prng = new Prng(seed)
  }

  pick<T>(from: readonly T[]): T {
    return from[this.prng.below(from.length)]!
  }

  /** Fields of a good request with some of them spoilt, dropped or added. */
  spoil(good: ExtFields): ExtFields {
    const fields = new Map(good)
    for (let changes = this.prng.below(4); changes > 0; changes--) {
      const name = this.pick([...fields.keys(), 'a', 'topic', 'b', 'extra'])
      if (this.prng.below(4) === 0) fields.delete(name)
      else fields.set(name, this.pick(VALUES))
    }
    return fields
  }

  body(good: readonly Buffer[]): Buffer {
    const body = Buffer.from(this.pick(good))
    if (this.prng.below(3) === 0) return body
    for (let i = this.prng.below(8); i > 0 && body.length > 0; i--) {
      body[this.prng.below(body.length)] = this.prng.below(256)
    }
    return body.subarray(0, this.prng.below(body.length + 1))
  }
}

const batch = encodeBatch(
  ['a', 'b'].map((text) => ({ flag: 0, body: Buffer.from(text), properties: new Map() })),
)

const BODIES: readonly Buffer[] = [
  Buffer.from('text'),
  batch,
  Buffer.alloc(64),
  Buffer.from('{"topicConfigList":[{"topicName":"t","perm":6}]}'),
  Buffer.from('{"clientID":"c","consumerDataSet":[{"groupName":"g"}],"producerDataSet":[{}]}'),
  Buffer.from('{"consumerGroup":"g","clientId":"c","mqSet":[{"topic":"orders","queueId":0}]}'),
  Buffer.from('{"groupName":"g","retryQueueNums":1}'),
  Buffer.from('[1,2,{"a":[]}]'),
  Buffer.from('maxMessageSize=1\nfileReservedTime=x'),
]

const GOOD_FIELDS: ExtFields = new Map([
  ...sendFields(sendHeader(), RequestCode.SEND_MESSAGE),
  ...sendFields(sendHeader(), RequestCode.SEND_MESSAGE_V2),
  ...Object.entries(pullHeader()).map(([name, value]): [string, string] => [name, String(value)]),
  ['group', 'g'],
  ['offset', '0'],
  ['timestamp', '0'],
  ['delayLevel', '0'],
  ['key', 'k'],
  ['maxNum', '3'],
])

/** Answers that a failing handler gets, and that no check of ours gives. */
const THROWN = /is not a function|Cannot read|undefined|not iterable|Invalid array|out of range/

for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
  test(`random requests never make a handler throw (seed ${seed})`, () => run(seed))
}

test('nor on a slave, which none of them changes', async () => {
  const world = new BrokerWorld(FIRST_SEED, { brokerRole: 'SLAVE', brokerId: 1 })
  const failures = await flood(world, FIRST_SEED)
  equal(failures.length, 0, JSON.stringify(failures[0]))
  const { store, topics } = world.broker!.services!
  equal(store.maxPhysicalOffset, 0)
  equal(topics.select('orders'), undefined)
  const refused = await sendWith(world, world.client('10.0.0.4'), {}, 'honest')
  equal(refused.code, ResponseCode.SERVICE_NOT_AVAILABLE)
  await world.stop()
})

async function run(seed: number): Promise<void> {
  const world = new BrokerWorld(seed, { enablePropertyFilter: true })
  const failures = await flood(world, seed)
  equal(failures.length, 0, JSON.stringify(failures[0]))
  const client = world.client('10.0.0.4')
  const honest = await sendWith(world, client, { topic: 'after' }, 'honest')
  equal(honest.code, ResponseCode.SUCCESS, honest.remark ?? '')
  const pulled = await pullWith(world, client, { topic: 'after', consumerGroup: 'after' })
  equal(pulled.code, ResponseCode.SUCCESS, pulled.remark ?? '')
  await world.stop()
  await world.start()
  await world.stop()
}

/** Starts the broker and sends it much that is wrong; what it logged as errors. */
async function flood(world: BrokerWorld, seed: number): Promise<unknown[]> {
  const failures: unknown[] = []
  world.log = { ...world.log, error: (fields) => failures.push(fields) }
  const broker = await world.start()
  const clients = [world.client('10.0.0.2', 0), world.client('10.0.0.3', 1)]
  await sendWith(world, clients[0]!, {}, 'honest')
  const fuzzer = new Fuzzer(seed)
  const codes = broker.registry.list().map(({ code }) => code)
  const hot = [10, 310, 320, 11, 361]
  const answers = []
  for (let i = 0; i < 4000; i++) {
    const code = fuzzer.pick(i % 2 === 0 ? hot : codes)
    const request = { code, fields: fuzzer.spoil(GOOD_FIELDS), body: fuzzer.body(BODIES) }
    answers.push(clients[i % 2]!.invoke(world.address, request, 30_000))
    if (i % 50 === 0) await world.pass(2)
  }
  for (const answer of await world.settle(Promise.all(answers))) {
    ok(!THROWN.test(answer.remark ?? ''), `${answer.code} ${answer.remark}`)
  }
  return failures
}
