import { deepEqual, equal, match } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { encodeBatch, RequestCode, ResponseCode } from '@apogee/protocol'
import type { RemotingClient } from '@apogee/remoting'
import { BrokerWorld } from '../testing/broker-world.ts'
import {
  messagesOf,
  properties,
  pullWith,
  type SendHeader,
  sendWith,
  textsOf,
} from '../testing/requests.ts'

const world = new BrokerWorld(30_002, { maxMessageSize: 200_000 })
let client: RemotingClient

before(async () => {
  await world.start()
  client = world.client('10.0.0.2', 1)
})

after(() => world.stop())

interface Entry {
  text: string
  properties?: [string, string][]
}

const batchOf = (entries: Entry[]): Buffer =>
  encodeBatch(
    entries.map((entry) => ({
      flag: 7,
      body: Buffer.from(entry.text),
      properties: new Map(entry.properties ?? []),
    })),
  )

const sendBatch = (
  header: Partial<SendHeader>,
  body: Buffer,
  code: number = RequestCode.SEND_BATCH_MESSAGE,
): ReturnType<typeof sendWith> => sendWith(world, client, { batch: true, ...header }, body, code)

test('the messages of a batch lie one after the other, and the answer names each', async () => {
  const entries = ['a', 'bb', 'ccc'].map((text) => ({ text, properties: keysOf(text) }))
  const answer = await sendBatch({ topic: 'b1', queueId: 2 }, batchOf(entries))
  equal(answer.code, ResponseCode.SUCCESS)
  equal(answer.fields.get('queueId'), '2')
  equal(answer.fields.get('queueOffset'), '0')
  const ids = answer.fields.get('msgId')!.split(',')
  const stored = messagesOf(await pullWith(world, client, { topic: 'b1', queueId: 2 }))
  deepEqual(
    stored.map(({ body }) => Buffer.from(body).toString()),
    ['a', 'bb', 'ccc'],
  )
  deepEqual(
    stored.map(({ queueOffset }) => queueOffset),
    [0, 1, 2],
  )
  deepEqual(
    ids,
    stored.map(({ physicalOffset }) => {
      const place = physicalOffset.toString(16).padStart(16, '0').toUpperCase()
      return `0A00000100002A9F${place}`
    }),
  )
  for (const message of stored) {
    equal(message.flag, 7)
    equal(message.properties.get('CLUSTER'), 'DefaultCluster')
    equal(message.properties.get('KEYS'), Buffer.from(message.body).toString())
    equal(message.properties.get('WAIT'), undefined)
  }
  const next = await sendBatch({ topic: 'b1', queueId: 2 }, batchOf([{ text: 'd' }]))
  equal(next.fields.get('queueOffset'), '3')
})

function keysOf(text: string): [string, string][] {
  return [
    ['KEYS', text],
    ['WAIT', 'true'],
  ]
}

test('an ordinary send that says it is a batch is one', async () => {
  for (const code of [RequestCode.SEND_MESSAGE, RequestCode.SEND_MESSAGE_V2]) {
    const topic = `b2-${code}`
    const answer = await sendBatch({ topic }, batchOf([{ text: 'a' }, { text: 'b' }]), code)
    equal(answer.code, ResponseCode.SUCCESS)
    deepEqual(textsOf(await pullWith(world, client, { topic })), ['a', 'b'])
  }
})

const two = batchOf([{ text: 'a' }, { text: 'b' }])
const wide: [string, string][] = [['k', 'v'.repeat(32_740)]]
const REFUSED: [name: string, header: Partial<SendHeader>, body: Buffer, remark: RegExp][] = [
  ['a retry topic', { topic: '%RETRY%g' }, two, /batch request does not support retry group/],
  ['no message', {}, Buffer.alloc(0), /the message is illegal/],
  ['half a message', {}, two.subarray(0, two.length - 1), /BATCH_SHORT: message 1/],
  ['a size of zero', {}, Buffer.alloc(40), /BATCH_BAD_SIZE: message 0/],
  ['noise', {}, Buffer.from('a batch is not text, it is entries'), /BATCH_/],
  ['a body over the limit', {}, batchOf([{ text: 'x'.repeat(200_001) }]), /body length limit/],
  [
    'properties that do not fit with ours',
    {},
    batchOf([{ text: 'a' }, { text: 'b', properties: wide }]),
    /properties length limit/,
  ],
  ['a delay for all', { properties: properties(['DELAY', '2']) }, two, /cannot be delayed/],
]

for (const [name, header, body, remark] of REFUSED) {
  test(`a batch with ${name} is refused whole`, async () => {
    const topic = 'b3'
    const answer = await sendBatch({ topic, ...header }, body)
    equal(answer.code, ResponseCode.MESSAGE_ILLEGAL)
    match(answer.remark ?? '', remark)
    equal((await pullWith(world, client, { topic: 'b3' })).body.length, 0)
  })
}

test('a batch that says it is part of a transaction is refused', async () => {
  const header = { topic: 'b4', properties: properties(['TRAN_MSG', 'true']) }
  equal((await sendBatch(header, two)).code, ResponseCode.MESSAGE_ILLEGAL)
})

test('a batch of many small messages is taken', async () => {
  const entries = Array.from({ length: 1500 }, (_, i) => ({ text: String(i) }))
  const answer = await sendBatch({ topic: 'b5' }, batchOf(entries))
  equal(answer.code, ResponseCode.SUCCESS)
  equal(answer.fields.get('msgId')!.split(',').length, 1500)
  equal(world.broker!.services!.store.maxOffset('b5', 0), 1500)
})
