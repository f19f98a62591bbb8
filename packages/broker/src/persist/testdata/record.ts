// Records what Apache's broker writes into config/*.json: `node record.ts JARS FOLDER`. JARS is a folder with the jars of
// RocketMQ 5.5.0, FOLDER a new one to work in. The files land beside this one.
import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeEnv } from '@apogee/env/node'
import {
  type BodyCodec,
  CreateTopicRequestHeader,
  encodeBody,
  encodeHeader,
  type ExtFields,
  HeartbeatData,
  RequestCode,
  SendMessageRequestHeaderV2,
  SubscriptionGroupConfig,
  UpdateConsumerOffsetRequestHeader,
  UpdateGroupForbiddenRequestHeader,
} from '@apogee/protocol'
import { RemotingClient, silentLogger } from '@apogee/remoting'
import { subscriptionGroup } from '../../subscription/subscription-group-config.ts'

const [jars, folder] = process.argv.slice(2)
if (jars === undefined || folder === undefined) throw new Error('node record.ts JARS FOLDER')
const ADDRESS = '127.0.0.1:21911'

mkdirSync(folder, { recursive: true })
writeFileSync(
  join(folder, 'broker.conf'),
  [
    'brokerName=broker-a',
    'brokerIP1=127.0.0.1',
    'listenPort=21911',
    'haListenPort=21912',
    `storePathRootDir=${folder}/store`,
    `storePathCommitLog=${folder}/store/commitlog`,
    'mappedFileSizeCommitLog=67108864',
    'diskMaxUsedSpaceRatio=97',
    'enablePropertyFilter=true',
  ].join('\n'),
)
const opens = ['java.nio', 'jdk.internal.ref', 'java.lang', 'java.util', 'java.math']
const broker = spawn(
  'java',
  [
    '-Xms1g',
    '-Xmx1g',
    `-Duser.home=${folder}`,
    '-Drmq.logback.configurationFile=rmq.broker.logback.xml',
    '--add-exports=java.base/sun.nio.ch=ALL-UNNAMED',
    ...opens.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`),
    '-cp',
    `${jars}/*`,
    'org.apache.rocketmq.broker.BrokerStartup',
    '-c',
    join(folder, 'broker.conf'),
  ],
  { stdio: 'inherit', env: { ...process.env, ROCKETMQ_HOME: folder } },
)
const ended = new Promise((resolve) => broker.once('exit', resolve))

const client = new RemotingClient({}, { env: nodeEnv(), log: silentLogger })

async function call(code: number, fields: ExtFields, body?: Buffer): Promise<void> {
  const request = body === undefined ? { code, fields } : { code, fields, body }
  const { code: answer, remark } = await client.invoke(ADDRESS, request, 10_000)
  console.log(code, answer, remark)
}

function callBody<T>(code: number, codec: BodyCodec<T>, value: T): Promise<void> {
  return call(code, new Map(), encodeBody(codec, value))
}

async function up(): Promise<void> {
  for (let attempt = 0; attempt < 60; attempt++) {
    try {
      return await call(RequestCode.GET_BROKER_RUNTIME_INFO, new Map())
    } catch {
      await sleep(500)
    }
  }
  throw new Error('the broker does not start')
}

async function topics(): Promise<void> {
  const common = { defaultTopic: 'TBW102', readQueueNums: 4, writeQueueNums: 4, perm: 6 }
  const headers = [
    { ...common, topic: 'orders', topicFilterType: 'SINGLE_TAG' },
    { ...common, topic: 'tagged', topicFilterType: 'MULTI_TAG', topicSysFlag: 3, perm: 4 },
    {
      ...common,
      topic: 'inOrder',
      topicFilterType: 'SINGLE_TAG',
      order: true,
      attributes: '+message.type=FIFO',
    },
  ]
  for (const header of headers) {
    await call(RequestCode.UPDATE_AND_CREATE_TOPIC, encodeHeader(CreateTopicRequestHeader, header))
  }
}

async function groups(): Promise<void> {
  const code = RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP
  await callBody(code, SubscriptionGroupConfig, subscriptionGroup('plain'))
  const special = subscriptionGroup('special', {
    consumeEnable: false,
    consumeFromMinEnable: false,
    consumeBroadcastEnable: false,
    consumeMessageOrderly: true,
    retryQueueNums: 3,
    retryMaxTimes: 5,
    brokerId: 1,
    whichBrokerWhenConsumeSlowly: 2,
    notifyConsumerIdsChangedEnable: false,
    groupSysFlag: 1,
    consumeTimeoutMinute: 30,
    groupRetryPolicy: {
      type: 'EXPONENTIAL',
      exponentialRetryPolicy: { initial: 1000, max: 60_000, multiplier: 3 },
      customizedRetryPolicy: null,
    },
  })
  await callBody(code, SubscriptionGroupConfig, special)
  const forbidden = { group: 'plain', topic: 'orders', readable: false }
  await call(
    RequestCode.UPDATE_AND_GET_GROUP_FORBIDDEN,
    encodeHeader(UpdateGroupForbiddenRequestHeader, forbidden),
  )
}

function heartbeat(): Promise<void> {
  const subscription = { tagsSet: [], codeSet: [], subVersion: 1, classFilterMode: false }
  return callBody(RequestCode.HEART_BEAT, HeartbeatData, {
    clientID: 'c1',
    heartbeatFingerprint: 0,
    withoutSub: false,
    producerDataSet: [],
    consumerDataSet: [
      {
        groupName: 'plain',
        consumeType: 'CONSUME_PASSIVELY',
        messageModel: 'CLUSTERING',
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        unitMode: false,
        subscriptionDataSet: [
          { ...subscription, topic: 'orders', subString: 'a > 1', expressionType: 'SQL92' },
        ],
      },
    ],
  })
}

async function messages(): Promise<void> {
  for (const [queueId, properties] of [
    [0, ''],
    [1, 'DELAY\u00011\u0002'],
    [3, 'DELAY\u00013\u0002'],
  ] as const) {
    const header = {
      producerGroup: 'p',
      topic: 'orders',
      defaultTopic: 'TBW102',
      defaultTopicQueueNums: 4,
      queueId,
      sysFlag: 0,
      bornTimestamp: 0,
      flag: 0,
      properties,
    }
    const fields = encodeHeader(SendMessageRequestHeaderV2, header)
    await call(RequestCode.SEND_MESSAGE_V2, fields, Buffer.from('x'))
  }
  await sleep(4000)
}

async function offsets(): Promise<void> {
  for (const [consumerGroup, queueId, commitOffset] of [
    ['plain', 0, 1],
    ['plain', 3, 1_234_567_890_123],
    ['special', 2, 0],
  ] as const) {
    const header = { consumerGroup, topic: 'orders', queueId, commitOffset }
    const fields = encodeHeader(UpdateConsumerOffsetRequestHeader, header)
    await call(RequestCode.UPDATE_CONSUMER_OFFSET, fields)
  }
}

try {
  await up()
  await topics()
  await groups()
  await heartbeat()
  await messages()
  await offsets()
} finally {
  broker.kill('SIGTERM')
  await ended
  await client.close()
}
const config = join(folder, 'store/config')
console.log(readdirSync(config))
for (const name of ['topics', 'subscriptionGroup', 'consumerOffset', 'delayOffset']) {
  copyFileSync(join(config, `${name}.json`), join(import.meta.dirname, `${name}.json`))
}
