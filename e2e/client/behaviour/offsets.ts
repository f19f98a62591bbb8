// Offsets set by others, and what a graceful end leaves behind.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Behaviour,
  type BehaviourContext,
  Inbox,
  numbered,
  owning,
  until,
} from './scenario.ts'

const INVOKE_BROKER_TO_RESET_OFFSET = 222

async function reset(context: BehaviourContext): Promise<void> {
  const { mq, topic, group } = context
  await context.createTopic(2)
  const inbox = new Inbox()
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  await consumer.run(inbox.take)
  await owning(consumer, 2)
  await context.send(...numbered('old', 10))
  await inbox.exactly(10)
  await sleep(1000)
  const between = Date.now()
  await sleep(200)
  await context.send(...numbered('new', 10))
  await inbox.exactly(20)
  // Its offsets are stored now, so that there is something to reset.
  await sleep(5500)
  const fields = { topic, group, timestamp: between, isForce: true }
  await context.admin(INVOKE_BROKER_TO_RESET_OFFSET, fields)
  await inbox.exactly(30, 1500)
  assert.deepEqual(inbox.bodies.slice(20).toSorted(), numbered('new', 10).toSorted())
  await context.send('after')
  await inbox.exactly(31)
  assert.equal(inbox.bodies[30], 'after')
}

async function drained(context: BehaviourContext): Promise<void> {
  const { topic, group } = context
  await context.createTopic(4)
  await context.send(...numbered('m', 200))
  const finished: string[] = []
  const begun: string[] = []
  const join = async () => {
    const consumer = await context.client().consumer({
      group,
      subscriptions: { [topic]: '*' },
      from: 'first',
      concurrency: 8,
    })
    await consumer.run(async (message) => {
      begun.push(message.body.toString())
      await sleep(30)
      finished.push(message.body.toString())
    })
    return consumer
  }
  // Each drains in the middle of its work; the next takes over where it stopped.
  for (let round = 0; round < 3; round++) {
    const consumer = await join()
    await until(() => finished.length >= (round + 1) * 40, `${(round + 1) * 40} finished`)
    await consumer.drain()
    assert.equal(begun.length, finished.length, 'no handler runs after a drain')
    const before = finished.length
    await sleep(200)
    assert.equal(finished.length, before)
  }
  await join()
  await until(() => finished.length >= 200, '200 finished')
  await sleep(1000)
  // Not one was lost, and not one that was finished came a second time.
  assert.deepEqual(finished.toSorted(), numbered('m', 200).toSorted())
}

async function drainedOrdered(context: BehaviourContext): Promise<void> {
  const { topic, group } = context
  await context.createTopic(2)
  await context.send(...numbered('m', 100))
  const finished: string[] = []
  const join = async () => {
    const mq = context.client()
    const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
    await consumer.runOrdered(async (message) => {
      await sleep(5)
      finished.push(message.body.toString())
    })
    return consumer
  }
  for (let round = 0; round < 2; round++) {
    const consumer = await join()
    await until(() => finished.length >= (round + 1) * 20, `${(round + 1) * 20} finished`)
    await consumer.drain()
  }
  await join()
  await until(() => finished.length >= 100, '100 finished')
  await sleep(700)
  assert.deepEqual(finished.toSorted(), numbered('m', 100).toSorted())
}

export const offsets: readonly Behaviour[] = [
  { name: 'an administrator resets a group that runs, by time', run: reset },
  { name: 'drain: nothing lost, nothing finished comes again', run: drained },
  { name: 'drain of ordered consumers: the same', run: drainedOrdered },
]
