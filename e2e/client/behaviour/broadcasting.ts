import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Behaviour, type BehaviourContext, Inbox, numbered, owning } from './scenario.ts'

async function everyMember(context: BehaviourContext): Promise<void> {
  const { topic, group } = context
  await context.createTopic(2)
  const folder = mkdtempSync(join(tmpdir(), 'broadcasting-'))
  try {
    const inboxes = [new Inbox(), new Inbox()]
    for (const inbox of inboxes) {
      const consumer = await context.client().consumer({
        group,
        model: 'broadcasting',
        subscriptions: { [topic]: '*' },
        from: 'first',
        offsetStore: folder,
      })
      await consumer.run((message) => {
        inbox.take(message)
        // Nothing is sent back in broadcasting.
        throw new Error('missed')
      })
      await owning(consumer, 2)
    }
    await context.send(...numbered('m', 10))
    for (const inbox of inboxes) {
      await inbox.exactly(10, 1500)
      assert.deepEqual(inbox.bodies.toSorted(), numbered('m', 10).toSorted())
    }
  } finally {
    await context.end()
    rmSync(folder, { recursive: true })
  }
}

async function restarted(context: BehaviourContext): Promise<void> {
  const { topic, group } = context
  await context.createTopic(2)
  const folder = mkdtempSync(join(tmpdir(), 'broadcasting-'))
  try {
    for (const round of ['one', 'two']) {
      const inbox = new Inbox()
      const mq = context.client({ clientIp: '127.0.0.1', instanceName: 'stays' })
      const consumer = await mq.consumer({
        group,
        model: 'broadcasting',
        subscriptions: { [topic]: '*' },
        from: 'first',
        offsetStore: folder,
      })
      await consumer.run(inbox.take)
      await context.send(...numbered(round, 10))
      await inbox.exactly(10)
      assert.deepEqual(inbox.bodies.toSorted(), numbered(round, 10).toSorted())
      await mq.close()
      await sleep(100)
    }
    const files = readdirSync(folder, { recursive: true }).map(String)
    const file = files.find((name) => name.endsWith('offsets.json'))
    assert.equal(file, join('127.0.0.1@stays', group, 'offsets.json'), "Java's place")
    assert.match(readFileSync(join(folder, file), 'utf8'), /"offsetTable"/)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export const broadcasting: readonly Behaviour[] = [
  {
    name: 'broadcasting: every member gets everything, failures do not come again',
    run: everyMember,
  },
  { name: 'broadcasting: a member that starts again goes on by its offset file', run: restarted },
]
