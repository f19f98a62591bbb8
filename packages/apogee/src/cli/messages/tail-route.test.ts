// A tail whose topic changes while it runs.
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { startCluster } from '../../embedded/start-cluster.ts'
import { RunningCli, runCli } from '../testing/run-cli.ts'

test('a tail shows what comes into queues that are added while it runs', async () => {
  await using cluster = await startCluster({ topics: { grows: 1 } })
  const environment = { NAMESRV_ADDR: cluster.nameservers.join(';') }
  const shown: string[] = []
  let changed = (): void => {}
  const until = (isReached: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      changed = () => {
        if (isReached()) resolve()
      }
      changed()
    })
  const words = ['tail', 'grows', '--from', 'first', '--format', '{{queue}} {{body}}']
  const tailing = new RunningCli(words, {
    environment,
    onOutput: (text) => {
      shown.push(text.trimEnd())
      changed()
    },
  })
  await runCli(['send', 'grows', 'before'], { environment })
  await until(() => shown.length === 1)
  const more = ['topic', 'create', 'grows', '-r', '3', '-w', '3']
  equal((await runCli(more, { environment })).code, 0)
  // One producer takes the queues in turn.
  await runCli(['send', 'grows', 'm', '--count', '6'], { environment })
  await until(() => shown.length === 7)
  tailing.signal('SIGINT')
  equal((await tailing.result).code, 0)
  const queues = new Set(shown.map((line) => line[0]))
  deepEqual(queues, new Set(['0', '1', '2']))
})

test('a tail reads at the slave while the master is dead, and what comes to it when it is back', async () => {
  await using cluster = await startCluster({ mode: 'async-replica', topics: { kept: 1 } })
  const environment = { NAMESRV_ADDR: cluster.nameservers.join(';') }
  await runCli(['send', 'kept', 'x', '--count', '10'], { environment })
  await cluster.inSync()
  const [master] = cluster.masters
  await master!.kill()
  const shown: string[] = []
  const returns: Promise<void>[] = []
  const comeBack = async (): Promise<void> => {
    await master!.restart()
    await runCli(['send', 'kept', 'x', '--count', '5'], { environment })
  }
  const words = ['tail', 'kept', '--from', 'first', '--max', '15', '--format', '{{offset}}']
  const tailing = new RunningCli(words, {
    environment,
    onOutput: (text) => {
      if (/^\d+\n$/.test(text)) shown.push(text.trimEnd())
      if (shown.length === 10 && returns.length === 0) returns.push(comeBack())
    },
  })
  equal((await tailing.result).code, 0)
  await Promise.all(returns)
  const expected = Array.from({ length: 15 }, (_, i) => String(i))
  deepEqual(shown, expected)
})
