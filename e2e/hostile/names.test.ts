// Names and settings that would reach the file system or a program: no request may write outside the store, change where
// something is kept, or start anything (the shapes of CVE-2019-17572, CVE-2023-33246 and CVE-2023-37582).
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Fields, RawClient } from '../harness/raw-client.ts'
import { Victim } from './victim.ts'

const BROKER_CODES = [
  10, 11, 12, 14, 15, 17, 18, 21, 25, 26, 28, 29, 30, 31, 32, 33, 34, 35, 36, 38, 41, 42, 43, 45,
  46, 200, 201, 202, 203, 204, 207, 208, 215, 222, 223, 225, 300, 303, 305, 306, 307, 308, 309, 310,
  314, 315, 316, 317, 320, 321, 328, 329, 343, 345, 351, 352, 353, 361,
] as const

const NAMESRV_CODES = [
  100, 101, 102, 103, 104, 105, 106, 205, 206, 216, 217, 219, 224, 304, 311, 312, 313, 318, 319,
  322, 327, 901, 904,
] as const

/** Queues and configuration are written a little later than they are made. */
const WRITTEN_MS_MAX = 10_000
const UPDATE_BROKER_CONFIG = 25
const GET_BROKER_CONFIG = 26
const UPDATE_NAMESRV_CONFIG = 318
const GET_NAMESRV_CONFIG = 319

const evilNames = [
  '../evil',
  '../../evil',
  '../../../../../../tmp/evil-apogee',
  '/tmp/evil-apogee',
  '..',
  '.',
  '..\\evil',
  'evil\u0000.txt',
  'evil\n',
  'a/../../evil',
  '%2e%2e%2fevil',
  '%RETRY%../../evil',
  '%DLQ%../../evil',
  'evil;touch evil',
  '$(touch evil)',
  `evil${'x'.repeat(300)}`,
  '\u202e\u00e9vil',
] as const

/** Fields of any code that hold a name, and the others with values that let the checks before the name pass. */
const NAME_FIELDS =
  'topic consumerGroup producerGroup group groupName srcGroup destGroup namespace key value brokerName ' +
  'clusterName cluster statsName statsKey a b originTopic originMsgId clientID clientId'
const ZERO_FIELDS =
  'queueId queueOffset commitOffset offset timestamp sysFlag flag maxMsgNums suspendTimeoutMillis ' +
  'subVersion bornTimestamp brokerId index e f g h j l'
const OTHER_FIELDS: Fields = {
  c: 'TBW102',
  d: 4,
  i: '',
  k: false,
  m: false,
  properties: '',
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: 4,
  readQueueNums: 4,
  writeQueueNums: 4,
  perm: 6,
  topicFilterType: 'SINGLE_TAG',
  topicSysFlag: 0,
  order: false,
  subscription: '*',
  count: 1,
  maxNum: 1,
  isForce: true,
  brokerAddr: '127.0.0.1:1',
  haServerAddr: '127.0.0.1:2',
  compressed: false,
  delayLevel: 1,
}

function fieldsNaming(name: string): Fields {
  const names = NAME_FIELDS.split(' ').map((field) => [field, name])
  const zeros = ZERO_FIELDS.split(' ').map((field) => [field, 0])
  return { ...Object.fromEntries([...names, ...zeros]), ...OTHER_FIELDS }
}

/** The same name inside a body, in every place where a body holds one. */
function bodyNaming(name: string): Buffer {
  const group = { groupName: name, consumeEnable: true, retryQueueNums: 1, topic: name }
  const topicConfig = { topicName: name, readQueueNums: 1, writeQueueNums: 1, perm: 6 }
  const subscription = { topic: name, subString: '*', expressionType: 'TAG' }
  const body = {
    ...group,
    clientID: name,
    consumerGroup: name,
    clientId: name,
    group: name,
    mqSet: [{ topic: name, brokerName: name, queueId: 0 }],
    consumerDataSet: [{ groupName: name, subscriptionDataSet: [subscription] }],
    producerDataSet: [{ groupName: name }],
    topicConfigList: [topicConfig],
    groupConfigList: [group],
    subscriptionData: subscription,
    topicConfigSerializeWrapper: { topicConfigTable: { [name]: topicConfig } },
    topicConfigTable: { [name]: topicConfig },
    filterServerList: [name],
  }
  return Buffer.from(JSON.stringify(body))
}

const BROKER_SETTINGS = [
  'rocketmqHome=/tmp/evil-apogee',
  'filterServerNums=1\nrocketmqHome=-c $@|sh . echo touch /tmp/evil-apogee',
  'storePathRootDir=/tmp/evil-apogee',
  'storePathCommitLog=/tmp/evil-apogee',
  'storePathConsumeQueue=/tmp/evil-apogee',
  'brokerConfigPath=/tmp/evil-apogee',
  'configStorePath=/tmp/evil-apogee',
  'listenPort=1',
  'bindAddress=0.0.0.0',
  'brokerIP1=10.0.0.1',
  'namesrvAddr=10.0.0.1:9876',
  'tlsServerKeyPath=/tmp/evil-apogee',
  'messageStorePlugIn=evil.Plugin',
  'aclEnable=false\nstorePathRootDir=/tmp/evil-apogee',
  'st\\u006frePathRootDir=/tmp/evil-apogee',
  'storePath\\\nRootDir=/tmp/evil-apogee',
  ' storePathRootDir : /tmp/evil-apogee',
  'fileReservedTime=48\rstorePathRootDir=/tmp/evil-apogee',
  '__proto__=/tmp/evil-apogee',
] as const

const NAMESRV_SETTINGS = [
  'configStorePathName=/tmp/evil-apogee',
  'configStorePath=/tmp/evil-apogee',
  'kvConfigPath=/tmp/evil-apogee',
  'rocketmqHome=/tmp/evil-apogee',
  'productEnvName=evil\nkvConfigPath=/tmp/evil-apogee',
  'productEnvName=evil\\nkvConfigPath=/tmp/evil-apogee',
  'kvC\\u006fnfigPath=/tmp/evil-apogee',
  'kvConfig\\\nPath=/tmp/evil-apogee',
  ' kvConfigPath : /tmp/evil-apogee',
  'listenPort=1',
  'bindAddress=0.0.0.0',
  '__proto__=/tmp/evil-apogee',
] as const

/** The keys that say where something is or how it is reached; their values must be what they were. */
const PLACES = /^(.*path.*|.*home.*|.*port|bindaddress|brokerip\d|namesrvaddr|.*plugin)=/i

async function placesOf(address: string, code: number): Promise<string[]> {
  const client = await RawClient.connect(address)
  const answer = await client.request(code, {})
  client.close()
  assert.equal(answer.code, 0)
  return answer.body
    .toString()
    .split('\n')
    .filter((line) => PLACES.test(line))
}

/** Each request on a connection of its own: to close it is one way to refuse. Gives how many were answered. */
async function ask(address: string, codes: readonly number[], name: string): Promise<number> {
  let answered = 0
  for (const code of codes) {
    for (const body of [Buffer.alloc(0), bodyNaming(name), Buffer.from(name)]) {
      const client = await RawClient.connect(address)
      const answer = await new Promise((resolve) => {
        const timer = setTimeout(resolve, 2000, null)
        client.send(code, fieldsNaming(name), body, (frame) => {
          clearTimeout(timer)
          resolve(frame)
        })
      })
      if (answer !== null) answered++
      client.close()
    }
  }
  return answered
}

function assertNothingEvil(victim: Victim): void {
  assert.deepEqual(victim.strayPaths(), [])
  const below = readdirSync(victim.dir, { recursive: true }).map(String)
  const evil = below.filter((path) => /\.\.|;|\$|\\/.test(path))
  assert.deepEqual(evil, [])
  for (const path of ['/tmp/evil-apogee', '/tmp/evil', join(victim.dir, 'evil')]) {
    assert.ok(!existsSync(path), `${path} was made`)
  }
}

async function assertGoodNameArrives(victim: Victim): Promise<void> {
  await ask(victim.broker, BROKER_CODES, 'good-name')
  await ask(victim.namesrv, NAMESRV_CODES, 'good-name')
  const folder = join(victim.storeDir, 'consumequeue', 'good-name')
  const groups = join(victim.storeDir, 'config', 'subscriptionGroup.json')
  const deadline = performance.now() + WRITTEN_MS_MAX
  while (!existsSync(folder) || !readFileSync(groups, 'utf8').includes('"good-name"')) {
    assert.ok(performance.now() < deadline, 'queues and groups are written')
    await sleep(50)
  }
  assertNothingEvil(victim)
}

suite('names and settings', () => {
  let victim: Victim
  before(async () => {
    victim = await Victim.start()
  })
  after(async () => await victim.kill())

  test('a good name reaches the store by the same requests', async () => {
    await assertGoodNameArrives(victim)
  })

  for (const name of evilNames) {
    test(`no code makes a file of the name ${JSON.stringify(name).slice(0, 40)}`, async () => {
      const [broker, namesrv] = await Promise.all([
        ask(victim.broker, BROKER_CODES, name),
        ask(victim.namesrv, NAMESRV_CODES, name),
      ])
      assert.ok(broker > BROKER_CODES.length, 'the broker answers, with a refusal or not')
      assert.ok(namesrv > NAMESRV_CODES.length, 'so does the NameServer')
      assert.deepEqual(await victim.endings(), [])
      assertNothingEvil(victim)
    })
  }

  for (const [server, settings, update, get] of [
    ['broker', BROKER_SETTINGS, UPDATE_BROKER_CONFIG, GET_BROKER_CONFIG],
    ['namesrv', NAMESRV_SETTINGS, UPDATE_NAMESRV_CONFIG, GET_NAMESRV_CONFIG],
  ] as const) {
    test(`no setting of the ${server} that names a place or a program changes at runtime`, async () => {
      const address = victim[server]
      const before = await placesOf(address, get)
      assert.ok(before.length >= 2, 'the settings are shown')
      const accepted: string[] = []
      for (const setting of settings) {
        const client = await RawClient.connect(address)
        const answer = await client.request(update, {}, Buffer.from(setting))
        client.close()
        if (answer.code === 0) accepted.push(setting)
      }
      assert.deepEqual(await placesOf(address, get), before)
      assert.deepEqual(accepted, [], 'settings that were accepted')
      assertNothingEvil(victim)
    })
  }

  test('a restart finds the names as they were, and no place moved', async () => {
    const configs = readdirSync(join(victim.storeDir, 'config'))
    for (const file of configs) {
      const text = readFileSync(join(victim.storeDir, 'config', file), 'utf8')
      assert.doesNotMatch(text, /\.\.\/|\/tmp\/|\$\(/, `${file} holds a name that was refused`)
    }
    assert.deepEqual(await victim.stop(), [0, 0])
  })
})
