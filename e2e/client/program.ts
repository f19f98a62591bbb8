// Apogee's client as a process of its own, under the line protocol of e2e/java/src/client: lines of
// `id TAB command TAB key=value ...` in, one JSON line each out. It can so take part in every suite that drives Java's, and
// be killed. Of its own are `start-sender`/`stop-sender` (sends until it is stopped) and `start-transactions`.
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type ClientLogger,
  type Consumer,
  type Message,
  type Producer,
  type ReceivedMessage,
  RocketMQ,
  type SendResult,
} from '@apogee/client'
import { planOf } from './outcomes.ts'

type Options = Record<string, string>

const clients = new Map<string, RocketMQ>()
const producers = new Map<string, Promise<Producer>>()
const consumers = new Map<string, Running>()
const senders = new Map<string, Sender>()

/** Into the log file of the process: what the client has to say when a test fails. */
const log = (fields: object, text = ''): void =>
  console.error(new Date().toISOString(), JSON.stringify(fields), text)
const logger: ClientLogger = { debug: log, info: log, warn: log, error: log }

interface Running {
  consumer: Consumer
  received: Record<string, unknown>[]
}

interface Sender {
  running: boolean
  sent: Record<string, unknown>[]
  failed: string[]
  done: Promise<void>
}

function need(options: Options, name: string): string {
  const value = options[name]
  if (value === undefined) throw new Error(`missing option ${name}`)
  return value
}

function client(options: Options, instanceName: string): RocketMQ {
  const key = `${options['namesrv']}/${instanceName}`
  let known = clients.get(key)
  if (known === undefined) {
    known = new RocketMQ({
      nameservers: need(options, 'namesrv'),
      clientIp: '127.0.0.1',
      instanceName,
      pollNameServerIntervalMs: Number(options['pollMs'] ?? 1000),
      heartbeatBrokerIntervalMs: Number(options['heartbeatMs'] ?? 2000),
      logger,
    })
    clients.set(key, known)
  }
  return known
}

function producer(options: Options): Promise<Producer> {
  const group = options['producerGroup'] ?? 'e2e_ts_producer'
  const key = `${options['namesrv']}/${group}`
  let known = producers.get(key)
  if (known === undefined) {
    const mq = client(options, `${options['instance'] ?? 'e2e'}-${group}`)
    const timeoutMs = Number(options['sendTimeoutMs'] ?? 10_000)
    known = mq.producer({ group, timeoutMs, retries: Number(options['retries'] ?? 2) })
    producers.set(key, known)
  }
  return known
}

function message(options: Options, index: number): Message {
  let body = `${options['prefix'] ?? 'message'}-${index}`
  while (body.length < Number(options['size'] ?? 0)) {
    body += String.fromCharCode(97 + (body.length % 26))
  }
  const made: Message = { topic: need(options, 'topic'), body }
  const tags = options['tags']?.split(',')
  if (tags !== undefined) made.tag = tags[index % tags.length] ?? ''
  const keys = options['keys']
  if (keys !== undefined) made.keys = [`${keys}-${index}`, `${keys}-all`]
  if (options['delayLevel'] !== undefined) made.delayLevel = Number(options['delayLevel'])
  const properties: Record<string, string> = {}
  for (const [name, value] of Object.entries(options)) {
    if (name.startsWith('property.')) properties[name.slice(9)] = value.replace('#', String(index))
  }
  if (Object.keys(properties).length > 0) made.properties = properties
  return made
}

function item(body: string, result: SendResult): Record<string, unknown> {
  return {
    body,
    status: result.status,
    msgId: result.messageId,
    offsetMsgId: result.offsetMessageId,
    brokerName: result.queue.brokerName,
    queueId: result.queue.queueId,
    queueOffset: result.queueOffset,
  }
}

async function send(options: Options): Promise<object> {
  const made = await producer(options)
  const count = Number(options['count'] ?? 1)
  const messages = Array.from({ length: count }, (_, index) => message(options, index))
  const one = async (each: Message): Promise<object> =>
    item(String(each.body), await made.send(each))
  switch (options['mode'] ?? 'sync') {
    case 'sync': {
      const sent: object[] = []
      for (const each of messages) sent.push(await one(each))
      return { sent }
    }
    case 'async':
      return { sent: await Promise.all(messages.map(one)) }
    case 'oneway':
      for (const each of messages) if (!made.sendOneway(each)) await made.flushed()
      await made.flushed()
      return { sent: [] }
    case 'batch': {
      // Java's client answers a batch with one result, whose ids are lists.
      const results = await made.send(messages)
      const first = results[0]
      if (first === undefined) throw new Error('no result')
      const list = (name: 'messageId' | 'offsetMessageId'): string =>
        results.map((result) => result[name]).join(',')
      const ids = { msgId: list('messageId'), offsetMsgId: list('offsetMessageId') }
      return { sent: [{ ...item('', first), ...ids }] }
    }
    case 'ordered': {
      const shards = Number(options['shards'] ?? 4)
      const sent: object[] = []
      for (const [index, each] of messages.entries()) {
        const result = await made.send(each, {
          queue: (queues) => queues[(index % shards) % queues.length]!,
        })
        sent.push(item(String(each.body), result))
      }
      return { sent }
    }
    default:
      throw new Error(`unknown mode ${options['mode']}`)
  }
}

function received(one: ReceivedMessage): Record<string, unknown> {
  return {
    body: one.body.toString(),
    topic: one.topic,
    tags: one.tag,
    keys: one.keys.length === 0 ? null : one.keys.join(' '),
    msgId: one.messageId,
    brokerName: one.queue.brokerName,
    queueId: one.queue.queueId,
    queueOffset: one.queueOffset,
    commitLogOffset: one.physicalOffset,
    reconsumeTimes: one.reconsumeTimes,
    sysFlag: one.sysFlag,
    bornTimestamp: one.bornTimestamp,
    storeTimestamp: one.storeTimestamp,
    bornHost: one.bornHost,
    storeHost: one.storeHost,
    properties: one.properties,
    receivedAt: Date.now(),
  }
}

/** A line at once: what a process had taken is known although it is killed. */
function stream(name: string, one: ReceivedMessage): void {
  const { brokerName: broker, queueId } = one.queue
  const got = { got: name, broker, queueId, queueOffset: one.queueOffset }
  console.log(JSON.stringify({ ...got, body: one.body.toString(), at: Date.now() }))
}

async function startConsumer(options: Options): Promise<object> {
  const name = need(options, 'name')
  const mq = client(options, options['instance'] ?? name)
  const expression = options['expression'] ?? '*'
  const subscription =
    options['type'] === 'SQL92' ? ({ type: 'SQL92', expression } as const) : expression
  const consumer = await mq.consumer({
    group: need(options, 'group'),
    subscriptions: { [need(options, 'topic')]: subscription },
    model: options['model'] === 'BROADCASTING' ? 'broadcasting' : 'clustering',
    from: options['from'] === 'LAST' ? 'last' : 'first',
    maxRetries: Number(options['maxReconsume'] ?? -1),
    suspendMs: 100,
    persistOffsetsIntervalMs: 500,
    ...(options['rebalanceMs'] === undefined
      ? {}
      : { rebalanceIntervalMs: Number(options['rebalanceMs']) }),
    ...(options['offsetStore'] === undefined ? {} : { offsetStore: options['offsetStore'] }),
  })
  const running: Running = { consumer, received: [] }
  consumers.set(name, running)
  const fail = Number(options['fail'] ?? 0)
  const workMs = Number(options['workMs'] ?? 0)
  const take = async (one: ReceivedMessage): Promise<void> => {
    if (workMs > 0) await sleep(workMs)
    if (options['stream'] === 'true') stream(name, one)
    else running.received.push(received(one))
    if (fail < 0 || one.reconsumeTimes < fail) throw new Error('refused by the test')
  }
  if (options['orderly'] === 'true') await consumer.runOrdered(take)
  else await consumer.run(take)
  return { clientId: mq.clientId }
}

function find(options: Options): Running {
  const running = consumers.get(need(options, 'name'))
  if (running === undefined) throw new Error(`no consumer named ${options['name']}`)
  return running
}

async function awaitConsumer(options: Options): Promise<object> {
  const running = find(options)
  const deadline = Date.now() + Number(options['timeoutMs'] ?? 30_000)
  const expected = Number(options['expected'] ?? 0)
  while (running.received.length < expected && Date.now() < deadline) await sleep(20)
  await sleep(Number(options['settleMs'] ?? 300))
  return { received: running.received }
}

async function stopConsumer(options: Options): Promise<object> {
  const running = find(options)
  consumers.delete(need(options, 'name'))
  await running.consumer.close()
  return { received: running.received }
}

function owned(options: Options): object {
  return { owned: find(options).consumer.queues() }
}

/** Sends numbered messages one after another until `stop-sender`, each acknowledged or counted as failed. */
async function startSender(options: Options): Promise<object> {
  const made = await producer(options)
  const sender: Sender = { running: true, sent: [], failed: [], done: Promise.resolve() }
  const everyMs = Number(options['everyMs'] ?? 1)
  const work = async (): Promise<void> => {
    for (let index = 0; sender.running; index++) {
      const each = message(options, index)
      try {
        const key = options['sharded'] === 'true' ? { shardingKey: String(index % 8) } : {}
        sender.sent.push({ ...item(String(each.body), await made.send(each, key)), index })
      } catch (error) {
        sender.failed.push(`${String(each.body)}: ${(error as Error).message}`)
      }
      await sleep(everyMs)
    }
  }
  sender.done = work()
  senders.set(need(options, 'name'), sender)
  return {}
}

async function stopSender(options: Options): Promise<object> {
  const sender = senders.get(need(options, 'name'))
  if (sender === undefined) throw new Error(`no sender named ${options['name']}`)
  sender.running = false
  await sender.done
  return { sent: sender.sent, failed: sender.failed }
}

/** Transactions from `first` on, `inFlight` at once; each that has its half stored is a line of its own. */
async function startTransactions(options: Options): Promise<object> {
  const mq = client(options, options['instance'] ?? 'transactions')
  const topic = need(options, 'topic')
  const made = await mq.transactionProducer({
    group: need(options, 'producerGroup'),
    check: async (one) => planOf(one.body.toString()).checked,
  })
  let next = Number(options['first'] ?? 0)
  const end = next + Number(need(options, 'count'))
  const work = async (): Promise<void> => {
    while (next < end) {
      const body = `tx-${next++}`
      try {
        await made.sendInTransaction({ topic, body }, async () => {
          console.log(JSON.stringify({ half: body }))
          return planOf(body).first
        })
      } catch (error) {
        console.error(body, error)
      }
    }
  }
  const inFlight = Number(options['inFlight'] ?? 32)
  const all = Promise.all(Array.from({ length: inFlight }, work))
  void all.then(() => console.log(JSON.stringify({ finished: need(options, 'name') })))
  return {}
}

async function shutdownProducers(): Promise<object> {
  for (const one of producers.values()) await (await one).close()
  producers.clear()
  return {}
}

const commands: Record<string, (options: Options) => object | Promise<object>> = {
  send,
  'start-consumer': startConsumer,
  'await-consumer': awaitConsumer,
  'stop-consumer': stopConsumer,
  'shutdown-producers': shutdownProducers,
  owned,
  'start-sender': startSender,
  'stop-sender': stopSender,
  'start-transactions': startTransactions,
}

async function answer(line: string): Promise<void> {
  const [id = '', name = '', ...pairs] = line.split('\t')
  try {
    const options = Object.fromEntries(
      pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    )
    const command = commands[name]
    if (command === undefined) throw new Error(`unknown command ${name}`)
    console.log(JSON.stringify({ id, ok: true, result: await command(options) }))
  } catch (error) {
    const { code, message: text, stack } = error as Error & { code?: string }
    console.error(stack)
    console.log(JSON.stringify({ id, ok: false, error: `${code ?? ''} ${text}` }))
  }
}

/** What a service does at SIGTERM: nothing taken is lost, nothing done comes again. */
process.once('SIGTERM', () => {
  void Promise.all([...clients.values()].map((one) => one.close())).then(() => process.exit(0))
})
createInterface({ input: process.stdin })
  .on('line', (line) => void answer(line))
  .on('close', () => process.exit(0))
console.log('{"ready":true}')
