// What our client writes about its messages is what Apache's mqadmin shows.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { RocketMQ } from '@apogee/client'
import type { ClientProgram } from '../harness/client-program.ts'
import { startMqadmin } from '../harness/java-client.ts'
import { temporaryFolder } from '../harness/processes.ts'
import { createTopic, waitForRoute } from '../harness/raw-client.ts'
import { endTarget, startTarget } from '../harness/start-target.ts'
import { chosenTarget, type Target } from '../harness/target.ts'

const TOPIC = 'Traced'
const GROUP = 'traced_readers'
const SHOWN_LIMIT_MS = 20_000

describe(`traces of our client on ${chosenTarget()}`, () => {
  const dir = temporaryFolder('trace')
  let target: Target
  let admin: ClientProgram

  before(async () => {
    target = await startTarget({ dir, brokerConf: { traceTopicEnable: true } })
    admin = await startMqadmin(target.namesrvAddr, dir)
    await createTopic(target.brokerAddr, TOPIC, 1)
    await waitForRoute(target.namesrvAddr, TOPIC)
  })
  after(async () => {
    await admin.stop()
    await endTarget(target)
  })

  it('mqadmin queryMsgTraceById shows the send and the consumption', async () => {
    await using mq = new RocketMQ({ nameservers: target.namesrvAddr })
    const subscriptions = { [TOPIC]: '*' }
    const consumed = Promise.withResolvers<void>()
    const consumer = await mq.consumer({ group: GROUP, subscriptions, from: 'first', trace: true })
    await consumer.run(() => consumed.resolve())
    const producer = await mq.producer({ group: 'traced_senders', trace: true })
    const { messageId } = await producer.send({ topic: TOPIC, body: 'traced' })
    await consumed.promise
    const until = Date.now() + SHOWN_LIMIT_MS
    let output = ''
    while (!(output.includes('traced_senders') && output.includes(GROUP)) && Date.now() < until) {
      await sleep(500)
      output = (await admin.run('queryMsgTraceById', { i: messageId })).output
    }
    assert.match(output, /Pub\s.*traced_senders.*success/)
    assert.match(output, new RegExp(`Sub\\s.*${GROUP}.*success`))
  })
})
