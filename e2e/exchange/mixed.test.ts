// NameServer of one house, broker of the other: both register and unregister, mqadmin and clients read them.
// MIXED_SELF_CHECK=1 pairs Apache with itself, which proves the test.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startApache, startApacheNamesrv } from '../harness/apache.ts'
import { startApogee, startApogeeNamesrv } from '../harness/apogee.ts'
import { rocketmqVersions } from '../harness/builds.ts'
import { assertDelivered } from '../harness/expect.ts'
import { startJavaClient, startMqadmin } from '../harness/java-client.ts'
import { freePorts, type RunningProcess, temporaryFolder } from '../harness/processes.ts'
import type { Target, TargetKind } from '../harness/target.ts'

interface Pair {
  namesrv: TargetKind
  broker: TargetKind
}

const pairs: readonly Pair[] =
  process.env['MIXED_SELF_CHECK'] === undefined
    ? [
        { namesrv: 'apogee', broker: 'apache' },
        { namesrv: 'apache', broker: 'apogee' },
      ]
    : [{ namesrv: 'apache', broker: 'apache' }]

async function startNamesrv(kind: TargetKind, dir: string, port: number): Promise<RunningProcess> {
  if (kind === 'apache') return await startApacheNamesrv(dir, port)
  return (await startApogeeNamesrv(dir, port)).running
}

async function exchange(target: Target, dir: string): Promise<void> {
  const { namesrvAddr } = target
  const client = await startJavaClient({ version: rocketmqVersions.current, namesrvAddr, dir })
  const topic = 'MixedTopic'
  await client.run('create-topic', { topic, queues: 4 })
  const { sent } = await client.run('send', { topic, count: 20 })
  await client.run('start-consumer', { name: 'mixed', topic, group: 'mixed_group' })
  await client.run('await-consumer', { name: 'mixed', expected: 20 })
  assertDelivered((await client.run('stop-consumer', { name: 'mixed' })).received, sent)
  await client.stop()
}

describe('NameServer and broker of different houses', () => {
  for (const pair of pairs) {
    const name = `${pair.broker} broker registers with ${pair.namesrv} NameServer`
    it(name, { timeout: 180_000 }, async () => {
      const dir = temporaryFolder('mixed')
      const port = await freePorts(1)
      const namesrv = await startNamesrv(pair.namesrv, join(dir, 'namesrv'), port)
      const namesrvAddr = `127.0.0.1:${port}`
      const start = pair.broker === 'apache' ? startApache : startApogee
      const target = await start({ dir, namesrvAddr })
      const admin = await startMqadmin(namesrvAddr, dir)
      try {
        await exchange(target, dir)
        const { clusterName, brokerName, brokerAddr } = target
        const line = new RegExp(
          `^${clusterName}\\s+${brokerName}\\s+0\\s+${brokerAddr}\\s+V\\d`,
          'm',
        )
        assert.match((await admin.run('clusterList')).output, line)
        const route = (await admin.run('topicRoute', { t: 'MixedTopic' })).output
        assert.match(route, new RegExp(`"?0"?\\s*:\\s*"${brokerAddr}"`))
        assert.match(route, /"writeQueueNums":\s*4/)
        await target.stop()
        await sleep(1000)
        // The broker said good-bye, and its connection is gone.
        const gone = (await admin.run('topicRoute', { t: 'MixedTopic' })).output
        assert.match(gone, /CODE: 17 /)
      } finally {
        await admin.stop()
        await target.kill()
        await namesrv.stop()
      }
    })
  }
})
