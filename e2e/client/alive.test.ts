// A script that has nothing but a client: it lives as long as it waits for servers, and ends once the client is closed.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startCluster } from 'apogee'
import { rootFolder } from '../harness/builds.ts'
import { freePorts, RunningProcess, runCommand, temporaryFolder } from '../harness/processes.ts'

const TIMEOUT_MS = 20_000

function script(body: string): readonly string[] {
  const text = `import { RocketMQ } from '@apogee/client'\n${body}`
  return ['--input-type=module', '-e', text]
}

describe('a script with a client and nothing else', () => {
  it('hears that nobody is there, and ends as it wants to', async () => {
    const nameservers = `127.0.0.1:${await freePorts(1)}`
    const body = `
      await using mq = new RocketMQ({ nameservers: '${nameservers}' })
      const producer = await mq.producer()
      const error = await producer.send({ topic: 'nobody', body: 'x' }).catch((reason) => reason)
      console.log(error.code)`
    const options = { command: process.execPath, args: script(body), cwd: rootFolder }
    const { code, stdout, stderr } = await runCommand({ ...options, timeoutMs: TIMEOUT_MS })
    assert.equal(stderr, '')
    assert.equal(stdout.trim(), 'RMQ_NAMESERVER_UNREACHABLE')
    assert.equal(code, 0)
  })

  it('goes on waiting when the servers are gone, until it is told to end', async () => {
    const cluster = await startCluster({ topics: ['t'] })
    const body = `
      const mq = new RocketMQ({ nameservers: '${cluster.nameservers[0]}' })
      const consumer = await mq.consumer({ group: 'g', subscriptions: { t: '*' } })
      await consumer.run(() => undefined)
      console.log('runs')
      process.once('SIGTERM', () => mq.close().catch((error) => console.log(error.code)))`
    const running = new RunningProcess({
      name: 'waiting script',
      command: process.execPath,
      args: script(body),
      cwd: rootFolder,
      logFile: `${temporaryFolder('alive')}/script.out`,
    })
    await running.waitForLine(/runs/, TIMEOUT_MS)
    await cluster.close()
    await sleep(4000)
    assert.ok(running.running, 'it ended although its client was open')
    assert.equal((await running.stop(TIMEOUT_MS)).code, 0)
  })
})
