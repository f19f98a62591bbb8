import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConsumerMember } from '../remote/contract.ts'
import { ConsumerWorld } from '../testing/consumer-world.ts'
import { startConsumer } from './start-consumer.ts'

const SEED = 5_900

test('a round that a broker asks for during the first heartbeat is the first: nobody waits for another', async () => {
  const world = new ConsumerWorld(SEED)
  await world.start(1)
  await world.makeTopic('T', 2)
  const { clock } = world.world
  const client = world.client(1)
  const { members } = client
  const addConsumer = members.addConsumer.bind(members)
  const heartbeatNow = members.heartbeatNow.bind(members)
  const joined: ConsumerMember[] = []
  members.addConsumer = (member) => {
    joined.push(member)
    addConsumer(member)
  }
  // The broker notifies at once; its answer to the heartbeat takes longer than the round.
  members.heartbeatNow = async () => {
    await heartbeatNow()
    for (const member of joined.splice(0)) member.membersChanged()
    await new Promise<void>((resolve) => clock.after(400, resolve))
  }
  const options = { group: 'G', subscriptions: { T: '*' }, from: 'first' } as const
  const consumer = await world.settle(startConsumer(client, options))
  const startMs = clock.monotonicMs()
  await world.settle(consumer.run(() => undefined))
  const tookMs = clock.monotonicMs() - startMs
  // The next round is a second away.
  assert.ok(tookMs < 1_000, `run took ${tookMs} ms`)
  assert.equal(consumer.queues().filter(({ topic }) => topic === 'T').length, 2)
})
