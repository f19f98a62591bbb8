// The unmodified ali-ons client, driven over standard input: `id TAB command TAB key=value ...` lines, JSON answers.
// Commands and their options are those of e2e/java/src/client; this client has no batches, one-way sends or pulls.
const { createInterface } = require('node:readline')
const { Consumer, Message, Producer } = require('ali-ons')

const quiet = { debug() {}, info() {}, warn: console.error, error: console.error }

/** The library insists on one; it asks it only for lists of NameServers, which the suite gives by address. */
const httpclient = {
  async request() {
    throw new Error('the suite has no address server')
  },
}
const producers = new Map()
const consumers = new Map()

function clientOptions(options) {
  return {
    httpclient,
    nameSrv: options.namesrv,
    clientIP: '127.0.0.1',
    // Consumers that share a client object end each other when one of them closes.
    instanceName: options.instance ?? options.name ?? 'e2e',
    pollNameServerInteval: 1000,
    heartbeatBrokerInterval: 2000,
    persistConsumerOffsetInterval: 500,
    rebalanceInterval: 500,
    logger: quiet,
  }
}

async function producer(options) {
  const group = options.producerGroup ?? 'e2e_ali_producer'
  let known = producers.get(group)
  if (known === undefined) {
    known = new Producer({ ...clientOptions(options), producerGroup: group })
    known.on('error', (error) => console.error(error))
    producers.set(group, known)
    await known.ready()
  }
  return known
}

function message(options, index) {
  let body = `${options.prefix ?? 'message'}-${index}`
  while (body.length < Number(options.size ?? 0)) {
    body += String.fromCharCode(97 + (body.length % 26))
  }
  const tags = options.tags?.split(',')
  const made = new Message(options.topic, tags?.[index % tags.length] ?? '', body)
  if (options.keys !== undefined) made.keys = [`${options.keys}-${index}`, `${options.keys}-all`]
  if (options.delayLevel !== undefined) made.delayTimeLevel = Number(options.delayLevel)
  for (const [key, value] of Object.entries(options)) {
    if (key.startsWith('property.')) made.properties[key.slice(9)] = value.replace('#', String(index))
  }
  return { made, body }
}

async function send(options) {
  const client = await producer(options)
  const sent = []
  const sendOne = async (index) => {
    const { made, body } = message(options, index)
    const result = await client.send(made)
    const { brokerName, queueId } = result.messageQueue
    sent.push({
      body,
      status: result.sendStatus,
      msgId: result.msgId,
      offsetMsgId: result.offsetMsgId ?? result.msgId,
      brokerName,
      queueId: Number(queueId),
      queueOffset: Number(result.queueOffset),
    })
  }
  const indexes = Array.from({ length: Number(options.count ?? 1) }, (_, index) => index)
  if (options.mode === 'async') await Promise.all(indexes.map(sendOne))
  else for (const index of indexes) await sendOne(index)
  return { sent }
}

function received(message) {
  return {
    body: message.body.toString(),
    topic: message.topic,
    tags: message.tags ?? null,
    keys: message.keys ?? null,
    msgId: message.msgId,
    queueId: message.queueId,
    queueOffset: Number(message.queueOffset),
    commitLogOffset: Number(message.commitLogOffset),
    reconsumeTimes: message.reconsumeTimes,
    bodyCrc: message.bodyCRC,
    sysFlag: message.sysFlag,
    bornTimestamp: Number(message.bornTimestamp),
    storeTimestamp: Number(message.storeTimestamp),
    bornHost: String(message.bornHost),
    storeHost: String(message.storeHost),
    properties: message.properties,
    receivedAt: Date.now(),
  }
}

async function startConsumer(options) {
  const consumer = new Consumer({
    ...clientOptions(options),
    consumerGroup: options.group,
    isBroadcast: options.model === 'BROADCASTING',
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    maxReconsumeTimes: Number(options.maxReconsume ?? 16),
  })
  consumer.on('error', (error) => console.error(error))
  const running = { consumer, received: [] }
  const fail = Number(options.fail ?? 0)
  const expression =
    options.type === 'SQL92'
      ? { expressionType: 'SQL92', subString: options.expression }
      : (options.expression ?? '*')
  await consumer.ready()
  consumer.subscribe(options.topic, expression, async (message) => {
    running.received.push(received(message))
    const consumed = fail >= 0 && message.reconsumeTimes >= fail
    return consumed ? undefined : Consumer.ACTION_RETRY
  })
  consumers.set(options.name, running)
  return {}
}

async function awaitConsumer(options) {
  const running = find(options)
  const deadline = Date.now() + Number(options.timeoutMs ?? 30_000)
  while (running.received.length < Number(options.expected ?? 0) && Date.now() < deadline) await sleep(20)
  await sleep(Number(options.settleMs ?? 300))
  return { received: running.received }
}

async function stopConsumer(options) {
  const running = find(options)
  consumers.delete(options.name)
  await running.consumer.close()
  return { received: running.received }
}

function find(options) {
  const running = consumers.get(options.name)
  if (running === undefined) throw new Error(`no consumer named ${options.name}`)
  return running
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function shutdownProducers() {
  for (const client of producers.values()) await client.close()
  producers.clear()
  return {}
}

const commands = {
  send,
  'start-consumer': startConsumer,
  'await-consumer': awaitConsumer,
  'stop-consumer': stopConsumer,
  'shutdown-producers': shutdownProducers,
}

function answer(line) {
  const [id, name, ...pairs] = line.split('\t')
  const options = Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  )
  const command = commands[name]
  const run = command === undefined ? Promise.reject(new Error(`unknown command ${name}`)) : command(options)
  run.then(
    (result) => console.log(JSON.stringify({ id, ok: true, result })),
    (error) => console.log(JSON.stringify({ id, ok: false, error: `${error.name}: ${error.message}` })),
  )
}

createInterface({ input: process.stdin })
  .on('line', answer)
  .on('close', () => process.exit(0))
console.log('{"ready":true}')
