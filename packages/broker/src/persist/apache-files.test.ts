import { deepEqual, equal, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isMalformed } from '@apogee/base'
import {
  ConsumerOffsetSerializeWrapper,
  DelayOffsetSerializeWrapper,
  decodeBody,
  SubscriptionGroupWrapper,
  TopicConfigSerializeWrapper,
} from '@apogee/protocol'
import { silentLogger } from '@apogee/remoting'
import { BrokerConfig } from '../config/broker-config.ts'
import { ConsumerOffsetManager } from '../offset/consumer-offset-manager.ts'
import {
  FORBIDDEN_READ_INDEX,
  SubscriptionGroupManager,
} from '../subscription/subscription-group-manager.ts'
import { BrokerWorld } from '../testing/broker-world.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { properties, sendWith } from '../testing/requests.ts'
import { TopicConfigManager } from '../topic/topic-config-manager.ts'
import { groupTable, offsetTable, topicTable } from './tables.ts'

// Files that Apache's broker 5.5.0 wrote (testdata/record.ts): we read them, and write the same bytes.
const config = BrokerConfig.of({})
const deps = { clock: new ManualClock(), log: silentLogger }

function fixture(name: string): string {
  return readFileSync(join(import.meta.dirname, 'testdata', `${name}.json`), 'utf8')
}

/** The members of a table in a file, each as it is printed, by name. */
function printed(text: string, table: string): Map<string, string> {
  const start = text.indexOf(`\t"${table}":{`)
  const lines = text.slice(start).split('\n').slice(1)
  const members = new Map<string, string>()
  let member: string[] = []
  for (const line of lines) {
    if (line.startsWith('\t}')) break
    member.push(line)
    if (!line.startsWith('\t\t}')) continue
    const name = /^\t\t"(.*)":\{$/.exec(member[0]!)![1]!
    members.set(name, member.join('\n').replace(/,$/, ''))
    member = []
  }
  return members
}

/** Without what changes with each commit. */
function withoutVersion(text: string): string {
  return text.replace(/\t"dataVersion":\{[^}]*\},\n/, '')
}

test('topics.json of Apache is read whole and written back in the same bytes', () => {
  const topics = new TopicConfigManager(config, deps)
  const text = fixture('topics')
  topicTable(topics).decode(text)
  equal(topics.select('inOrder')?.attributes.get('message.type'), 'FIFO')
  equal(topics.select('inOrder')?.order, true)
  equal(topics.select('tagged')?.topicFilterType, 'MULTI_TAG')
  equal(topics.select('tagged')?.topicSysFlag, 3)
  equal(topics.select('tagged')?.perm, 4)
  const theirs = printed(text, 'topicConfigTable')
  const ours = printed(topicTable(topics).encode(), 'topicConfigTable')
  ok(theirs.size > 15)
  for (const [name, member] of theirs) equal(ours.get(name), member)
  equal(
    topicTable(topics).encode().split('"topicConfigTable"')[0],
    text.split('"topicConfigTable"')[0],
  )
})

test('subscriptionGroup.json of Apache is read whole and written back in the same bytes', () => {
  const groups = new SubscriptionGroupManager(config, deps)
  const text = fixture('subscriptionGroup')
  groupTable(groups).decode(text)
  const special = groups.select('special')
  equal(special?.consumeEnable, false)
  equal(special?.retryMaxTimes, 5)
  equal(special?.groupRetryPolicy?.exponentialRetryPolicy?.max, 60_000)
  equal(groups.isForbidden('plain', 'orders', FORBIDDEN_READ_INDEX), true)
  const written = groupTable(groups).encode()
  const theirs = printed(text, 'subscriptionGroupTable')
  const ours = printed(written, 'subscriptionGroupTable')
  ok(theirs.size > 8)
  for (const [name, member] of theirs) equal(ours.get(name), member)
  deepEqual(printed(written, 'forbiddenTable'), printed(text, 'forbiddenTable'))
  equal(written.split('"subscriptionGroupTable"')[0], text.split('"subscriptionGroupTable"')[0])
})

test('consumerOffset.json of Apache comes back in the same bytes, without what it does not read itself', () => {
  const offsets = new ConsumerOffsetManager(config, deps)
  const text = fixture('consumerOffset')
  offsetTable(offsets).decode(text)
  equal(offsets.queryOffset('plain', 'orders', 3), 1_234_567_890_123)
  const read = text
    .replace(/\t"groupTopicMap":\{[\s\S]*?\n\t\},\n/, '')
    .replace(',\n\t"pullOffsetTable":{}', '')
  equal(offsetTable(offsets).encode(), read)
})

test('progress of delays is written as Apache writes it, and a broker goes on with that of Apache', async () => {
  const world = new BrokerWorld(30_071)
  await world.start()
  const client = world.client('10.0.0.2')
  for (const level of ['1', '3']) {
    await sendWith(world, client, { properties: properties(['DELAY', level]) })
  }
  await world.pass(12_000)
  await world.stop()
  const path = '/store/config/delayOffset.json'
  equal(withoutVersion(readText(world, path)), withoutVersion(fixture('delayOffset')))

  const file = world.host.disk.open(path)
  file.truncate(0)
  file.writeNow(Buffer.from(fixture('delayOffset')), 0)
  file.close()
  const { schedule } = (await world.start()).services!
  deepEqual(
    [...schedule.offsets()],
    [
      [1, 1],
      [3, 1],
    ],
  )
  await world.stop()
})

function readText(world: BrokerWorld, path: string): string {
  const file = world.host.disk.open(path)
  const text = Buffer.alloc(file.size())
  file.readNow(text, 0, text.length, 0)
  file.close()
  return text.toString()
}

test('every file of Apache is a body that we know', () => {
  const codecs = {
    topics: TopicConfigSerializeWrapper,
    subscriptionGroup: SubscriptionGroupWrapper,
    consumerOffset: ConsumerOffsetSerializeWrapper,
    delayOffset: DelayOffsetSerializeWrapper,
  } as const
  for (const [name, codec] of Object.entries(codecs)) {
    ok(!isMalformed(decodeBody(codec as never, Buffer.from(fixture(name)))), name)
  }
})
