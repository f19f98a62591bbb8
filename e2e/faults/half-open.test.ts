// Our client on one side of a cable, the servers on the other: what it does when an established connection goes silent
// without a word, as behind a firewall that forgot it. New connections work all the time; only old ones are dead. As root.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startApogee } from '../harness/apogee.ts'
import type { ClientProgram } from '../harness/client-program.ts'
import { startApogeeClientIn } from '../harness/other-clients.ts'
import { temporaryFolder } from '../harness/processes.ts'
import { createTopic, waitForRoute } from '../harness/raw-client.ts'
import { endTarget } from '../harness/start-target.ts'
import type { Target } from '../harness/target.ts'
import { NetworkNamespace } from './network-namespace.ts'

const TOPIC = 'HalfOpen'
/** user-needs: a black-holed socket is recovered within this. */
const RECOVER_MS_MAX = 15_000

suite('half-open connections', () => {
  const dir = temporaryFolder('half-open')
  let cable: NetworkNamespace
  let target: Target
  let client: ClientProgram

  before(async () => {
    cable = await NetworkNamespace.create('apogee-half-open', 77)
    const brokerConf = { brokerIP1: cable.hostAddress, bindAddress: '0.0.0.0' }
    target = await startApogee({ dir, brokerConf, namesrvConf: { bindAddress: '0.0.0.0' } })
    await createTopic(target.brokerAddr, TOPIC, 4)
    await waitForRoute(target.namesrvAddr, TOPIC)
    const namesrvAddr = `${cable.hostAddress}:${target.ports.namesrv}`
    client = await startApogeeClientIn(cable.command, namesrvAddr, dir)
  })
  after(async () => {
    await client?.kill()
    if (target !== undefined) await endTarget(target)
    await cable?.dispose()
  })

  test('a consumer and a producer are back within 15 s, and nothing is lost', async (t) => {
    const consumer = { name: 'c', topic: TOPIC, group: 'half_open', stream: true }
    const seen = new Map<string, number>()
    client.onLine((line) => {
      if (!line.startsWith('{"got"')) return
      const { body, at } = JSON.parse(line) as { body: string; at: number }
      seen.set(body, at)
    })
    await client.run('start-consumer', consumer)
    await client.run('start-sender', {
      name: 's',
      topic: TOPIC,
      everyMs: 10,
      sendTimeoutMs: 20_000,
    })
    await sleep(2000)
    const before = seen.size
    assert.ok(before > 0, 'messages flow before the cut')
    const cutAt = Date.now()
    const cut = await cable.silenceEstablished(target.ports.broker)
    assert.ok(cut > 0, 'there was a connection to cut')
    await sleep(RECOVER_MS_MAX + 2000)
    const { sent, failed } = await client.run('stop-sender', { name: 's' })
    await sleep(2000)
    const afterCut = [...seen.values()].filter((at) => at > cutAt + 500)
    const recoveredMs = Math.min(...afterCut) - cutAt
    t.diagnostic(
      `${cut} connections cut, first delivery after ${recoveredMs} ms; ${sent.length} sent, ${failed.length} failed`,
    )
    assert.ok(recoveredMs < RECOVER_MS_MAX, `no delivery within ${RECOVER_MS_MAX} ms`)
    assert.deepEqual(
      sent.map(({ body }) => body).filter((body) => !seen.has(body)),
      [],
    )
  })
})
