// What each client does while its frames are recorded: once through everything it can do, with few and small messages.
import { type ClientVersion, rocketmqVersions } from './builds.ts'
import type { ClientProgram } from './client-program.ts'
import { startJavaClient, startMqadmin } from './java-client.ts'
import { startAliOnsClient, startGoClient } from './other-clients.ts'
import { createTopic, waitForRoute } from './raw-client.ts'

export interface TourPlace {
  namesrvAddr: string
  brokerAddr: string
  dir: string
}

export interface TourStop {
  client: string
  tour: (place: TourPlace) => Promise<void>
}

async function sendTour(client: ClientProgram, topic: string): Promise<void> {
  await client.run('create-topic', { topic, queues: 2 })
  const common = { topic, keys: 'key', tags: 'red,blue', 'property.colour': 'c#', count: 2 }
  for (const mode of ['sync', 'async', 'oneway', 'batch', 'ordered']) {
    await client.run('send', { ...common, mode, prefix: mode })
  }
  await client.run('send', { topic, prefix: 'delayed', delayLevel: 1 })
  await client.run('send', { topic, prefix: 'compressed', size: 6000 })
}

async function consumeTour(client: ClientProgram, topic: string): Promise<void> {
  const name = 'plain'
  await client.run('start-consumer', {
    name,
    topic,
    group: `${topic}_plain`,
    expression: 'red || blue',
  })
  await client.run('await-consumer', { name, expected: 10, settleMs: 1500 })
  const second = { name: 'second', topic, group: `${topic}_plain`, instance: 'second' }
  await client.run('start-consumer', { ...second, expression: 'red || blue' })
  await client.run('await-consumer', { name: 'second', settleMs: 1500 })
  await client.run('stop-consumer', { name: 'second' })
  await client.run('stop-consumer', { name })
  const sql = {
    name: 'sql',
    topic,
    group: `${topic}_sql`,
    type: 'SQL92',
    expression: "colour = 'c1'",
  }
  await client.run('start-consumer', sql)
  await client.run('await-consumer', { name: 'sql', expected: 5 })
  await client.run('stop-consumer', { name: 'sql' })
  const orderly = { name: 'orderly', topic, group: `${topic}_orderly`, orderly: true }
  await client.run('start-consumer', orderly)
  await client.run('await-consumer', { name: 'orderly', expected: 12, settleMs: 2500 })
  await client.run('stop-consumer', { name: 'orderly' })
  await client.run('start-consumer', {
    name: 'all',
    topic,
    group: `${topic}_all`,
    model: 'BROADCASTING',
  })
  await client.run('await-consumer', { name: 'all', expected: 12 })
  await client.run('stop-consumer', { name: 'all' })
  const refusing = {
    name: 'refusing',
    topic,
    group: `${topic}_retry`,
    expression: 'red',
    fail: -1,
    maxReconsume: 1,
  }
  await client.run('start-consumer', refusing)
  await client.run('await-consumer', { name: 'refusing', expected: 10, timeoutMs: 10_000 })
  await client.run('stop-consumer', { name: 'refusing' })
}

async function lookupTour(client: ClientProgram, topic: string): Promise<void> {
  const { sent } = await client.run('send', { topic, keys: 'look', prefix: 'look' })
  await client.run('query', { topic, key: 'look-0' })
  await client.run('query', { topic, key: 'no-such-key', timeoutMs: 1 })
  await client.run('view', { topic, id: sent[0]?.msgId ?? '' })
  await client.run('view', { topic, id: sent[0]?.offsetMsgId ?? '' })
  await client.run('offsets', { topic, timestamp: Date.now() - 1000 })
}

async function javaTour(
  place: TourPlace,
  version: ClientVersion,
  serializeType: 'JSON' | 'ROCKETMQ',
  topic: string,
): Promise<void> {
  const client = await startJavaClient({ version, serializeType, ...place })
  await sendTour(client, topic)
  await consumeTour(client, topic)
  await lookupTour(client, topic)
  await client.run('lite-pull', { topic, group: `${topic}_lite`, expected: 12 })
  await client.run('default-pull', { topic, group: `${topic}_pull`, from: 0 })
  await client.run('default-pull', { topic, group: `${topic}_pull`, from: 1000 })
  await client.run('shutdown-producers')
  await client.stop()
}

export const clientTours: readonly TourStop[] = [
  { client: 'broker-5.5.0', tour: async () => {} },
  {
    client: 'java-5.5.0',
    tour: (place) => javaTour(place, rocketmqVersions.current, 'JSON', 'GoldenJson'),
  },
  {
    client: 'java-5.5.0-binary',
    tour: (place) => javaTour(place, rocketmqVersions.current, 'ROCKETMQ', 'GoldenBinary'),
  },
  {
    client: 'java-4.9.8',
    tour: (place) => javaTour(place, rocketmqVersions.last4, 'JSON', 'GoldenOlder'),
  },
  { client: 'go-2.1.2', tour: goTour },
  { client: 'ali-ons-3.12.0', tour: aliOnsTour },
  { client: 'mqadmin-5.5.0', tour: mqadminTour },
]

async function goTour(place: TourPlace): Promise<void> {
  const topic = 'GoldenGo'
  const client = await startGoClient(place.namesrvAddr, place.brokerAddr, place.dir)
  await sendTour(client, topic)
  // Its first, empty life lets the second find the retry topic's route.
  await client.run('start-consumer', {
    name: 'warm',
    topic,
    group: `${topic}_retry`,
    expression: 'red',
  })
  await client.run('stop-consumer', { name: 'warm' })
  await consumeTour(client, topic)
  const pull = { topic, group: `${topic}_pull`, queues: 2, brokerName: 'interop-a', once: true }
  await client.run('default-pull', pull)
  await client.run('shutdown-producers')
  await client.stop()
}

async function aliOnsTour(place: TourPlace): Promise<void> {
  const topic = 'GoldenAli'
  // Past the proxy: these requests are not the client's.
  await createTopic(place.brokerAddr.replace('127.0.0.2', '127.0.0.1'), topic, 2)
  await waitForRoute(place.namesrvAddr.replace('127.0.0.2', '127.0.0.1'), topic)
  const client = await startAliOnsClient(place.namesrvAddr, place.dir)
  const common = { topic, keys: 'key', tags: 'red,blue', 'property.colour': 'c#', count: 12 }
  await client.run('send', common)
  await client.run('send', { topic, prefix: 'delayed', delayLevel: 1 })
  await client.run('send', { topic, prefix: 'compressed', size: 6000 })
  await consumeTour(client, topic)
  await client.run('shutdown-producers')
  await client.stop()
}

/** The administration commands while a consumer of the recorded group is online. */
async function mqadminTour(place: TourPlace): Promise<void> {
  const topic = 'GoldenAdmin'
  const group = 'golden_admin'
  const other = 'golden_other'
  const client = await startJavaClient({ version: rocketmqVersions.current, ...place })
  const admin = await startMqadmin(place.namesrvAddr, place.dir)
  const broker = { b: place.brokerAddr }
  const cluster = { c: 'InteropCluster' }
  await admin.run('updateTopic', { ...cluster, t: topic, r: 2, w: 2 })
  await admin.run('updateSubGroup', { ...cluster, g: group })
  const { sent } = await client.run('send', { topic, count: 3, keys: 'k', tags: 'red' })
  await client.run('start-consumer', { name: 'online', topic, group })
  await client.run('await-consumer', { name: 'online', expected: 3, settleMs: 2500 })
  const offsetId = sent[0]?.offsetMsgId ?? ''
  const uniqueId = sent[0]?.msgId ?? ''
  const steps: readonly [string, Record<string, string | number>][] = [
    ['updateTopicPerm', { ...broker, t: topic, p: 6 }],
    ['topicRoute', { t: topic }],
    ['topicStatus', { t: topic }],
    ['topicClusterList', { t: topic }],
    ['topicList', { ...cluster }],
    ['updateOrderConf', { t: topic, m: 'put', v: 'interop-a:2' }],
    ['updateOrderConf', { t: topic, m: 'get' }],
    ['updateOrderConf', { t: topic, m: 'delete' }],
    ['getConsumerConfig', { g: group }],
    ['consumerProgress', { g: group }],
    ['consumerStatus', { g: group }],
    ['consumerConnection', { g: group }],
    ['producerConnection', { g: 'e2e_producer', t: topic }],
    ['producer', { ...broker }],
    ['brokerStatus', { ...broker }],
    ['getBrokerConfig', { ...broker }],
    ['updateBrokerConfig', { ...broker, k: 'fileReservedTime', v: 71 }],
    ['brokerConsumeStats', { ...broker }],
    ['clusterList', {}],
    ['statsAll', {}],
    ['queryMsgById', { i: offsetId, t: topic }],
    ['queryMsgByUniqueKey', { i: uniqueId, t: topic }],
    ['queryMsgByKey', { t: topic, k: 'k-0' }],
    ['queryMsgByOffset', { t: topic, b: 'interop-a', i: 0, o: 0 }],
    ['queryMsgById', { i: offsetId, t: topic, g: group, d: '127.0.0.1@e2e' }],
    ['queryCq', { t: topic, q: 0, i: 0, c: 2, ...broker }],
    ['cloneGroupOffset', { s: group, d: other, t: topic }],
    ['resetOffsetByTime', { g: group, t: topic, s: 'now', f: 'true' }],
    ['skipAccumulatedMessage', { g: group, t: topic, f: 'true' }],
    ['updateKvConfig', { s: 'golden', k: 'key', v: 'value' }],
    ['deleteKvConfig', { s: 'golden', k: 'key' }],
    ['wipeWritePerm', { b: 'interop-a' }],
    ['addWritePerm', { b: 'interop-a' }],
    ['getNamesrvConfig', {}],
    ['updateNamesrvConfig', { k: 'orderMessageEnable', v: 'false' }],
    ['cleanExpiredCQ', { ...broker }],
    ['deleteExpiredCommitLog', { ...broker }],
    ['cleanUnusedTopic', { ...broker }],
    ['exportMetadata', { ...cluster, f: `${place.dir}/export` }],
    ['exportMetrics', { ...cluster, f: `${place.dir}/export` }],
    ['haStatus', { ...broker }],
    ['setConsumeMode', { ...cluster, t: topic, g: other, m: 'PULL', n: place.namesrvAddr }],
  ]
  for (const [command, args] of steps) {
    await admin.run(command, args)
  }
  await client.run('stop-consumer', { name: 'online' })
  await admin.run('deleteSubGroup', { ...cluster, g: group, r: 'true' })
  await admin.run('deleteTopic', { ...cluster, t: topic })
  await client.run('shutdown-producers')
  await client.stop()
  await admin.stop()
}
