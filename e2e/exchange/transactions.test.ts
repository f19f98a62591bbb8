// Transactions whose store changes its owner in the middle: what one broker prepared, decided and asked about, the other
// takes over. Usually one chain, from Apogee to Apache and back by kill -9; EXCHANGE_ALL=1 adds a clean stop and the other
// beginning. EXCHANGE_SELF_CHECK=1 lets Apache alone pass the store on.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startApache } from '../harness/apache.ts'
import { startApogee } from '../harness/apogee.ts'
import { rocketmqVersions } from '../harness/builds.ts'
import type { ClientProgram, ReceivedMessage } from '../harness/client-program.ts'
import { startJavaClient } from '../harness/java-client.ts'
import { freePorts, temporaryFolder } from '../harness/processes.ts'
import type { Ports, Target, TargetKind } from '../harness/target.ts'

const chains: readonly (readonly [TargetKind, TargetKind])[] =
  process.env['EXCHANGE_SELF_CHECK'] === undefined
    ? [
        ['apogee', 'apache'],
        ['apache', 'apogee'],
      ]
    : [['apache', 'apache']]

const brokerConf = {
  transactionTimeOut: 1000,
  transactionCheckInterval: 1000,
  transactionOpBatchInterval: 300,
  transactionCheckMax: 1000,
}
const topic = 'TransactionsInTurn'
const producerGroup = 'turn_producer'
const OUTCOMES = ['commit', 'rollback', 'hold-commit', 'hold-rollback']

function start(kind: TargetKind, dir: string, ports: Ports): Promise<Target> {
  return (kind === 'apache' ? startApache : startApogee)({ dir, ports, brokerConf })
}

async function end(target: Target, ending: 'stop' | 'kill'): Promise<void> {
  await (ending === 'stop' ? target.stop() : target.kill())
}

/** Everything in the topic, seen by a group of its own. */
async function consumeAll(
  client: ClientProgram,
  group: string,
  expected: number,
): Promise<ReceivedMessage[]> {
  await client.run('start-consumer', { name: group, topic, group })
  await client.run('await-consumer', { name: group, expected, settleMs: 2000 })
  return (await client.run('stop-consumer', { name: group })).received
}

function bodiesOf(messages: readonly { body: string }[]): string[] {
  return [...new Set(messages.map(({ body }) => body))].toSorted()
}

async function exchange(
  [first, second]: readonly [TargetKind, TargetKind],
  ending: 'stop' | 'kill',
): Promise<void> {
  const dir = temporaryFolder('transactions')
  const ports = { namesrv: await freePorts(1), broker: (await freePorts(4)) + 2 }
  let target = await start(first, dir, ports)
  const { namesrvAddr } = target
  const client = await startJavaClient({ version: rocketmqVersions.current, namesrvAddr, dir })
  const asked = async (): Promise<Record<string, number>> =>
    (await client.run('asked-transactions', { producerGroup })).checks
  try {
    await client.run('create-topic', { topic, queues: 2 })
    const args = { topic, producerGroup, count: 20, outcomes: OUTCOMES.join(',') }
    const { sent } = await client.run('send-transactions', args)
    const named = (outcome: string): string[] =>
      bodiesOf(sent.filter(({ body }) => body.replace(/^message-\d+-/, '') === outcome))
    // The first owner decides what is decided, and has asked about the rest: copies stand in the half queue.
    assert.deepEqual(bodiesOf(await consumeAll(client, 'first', 5)), named('commit'))
    await sleep(2500)
    const before = await asked()
    for (const body of named('hold-commit')) assert.ok((before[body] ?? 0) > 0, body)
    await end(target, ending)

    target = await start(second, dir, ports)
    await sleep(6000)
    const meanwhile = await asked()
    for (const outcome of ['hold-commit', 'hold-rollback']) {
      for (const body of named(outcome)) {
        assert.ok((meanwhile[body] ?? 0) > (before[body] ?? 0), `${body} is not asked about`)
      }
    }
    if (ending === 'stop')
      for (const body of named('rollback')) assert.equal(meanwhile[body], undefined)
    await client.run('release-transactions', { producerGroup })
    const wanted = [...named('commit'), ...named('hold-commit')].toSorted()
    const received = await consumeAll(client, 'second', wanted.length)
    assert.deepEqual(bodiesOf(received), wanted)
    if (ending === 'stop') assert.equal(received.length, wanted.length)
    await end(target, ending)

    // Back at the first owner everything is decided.
    target = await start(first, dir, ports)
    await sleep(4000)
    assert.deepEqual(bodiesOf(await consumeAll(client, 'third', wanted.length)), wanted)
    const settled = await asked()
    await sleep(3000)
    assert.deepEqual(await asked(), settled)
  } finally {
    await client.stop()
    await target.kill()
  }
}

describe('transactions in a store with several owners', () => {
  for (const ending of ['stop', 'kill'] as const) {
    for (const chain of chains) {
      const isUsual = chain === chains[0] && ending === 'kill'
      if (!isUsual && process.env['EXCHANGE_ALL'] === undefined) continue
      const name = `${chain.join(' -> ')} and back by ${ending === 'stop' ? 'clean stop' : 'kill -9'}`
      it(name, { timeout: 240_000 }, () => exchange(chain, ending))
    }
  }
})
