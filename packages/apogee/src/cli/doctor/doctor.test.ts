import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { startCluster } from '../../embedded/start-cluster.ts'
import { runCli } from '../testing/run-cli.ts'
import type { DoctorJson } from './doctor.ts'

async function doctor(
  nameservers: readonly string[],
): Promise<{ code: number | null; result: DoctorJson }> {
  const words = ['doctor', '-n', nameservers.join(';'), '--timeout', '2s', '-o', 'json']
  const { code, out } = await runCli(words)
  return { code, result: JSON.parse(out) as DoctorJson }
}

test('a cluster that is well is told to be, each server by its address', async () => {
  await using cluster = await startCluster({ brokers: 2, nameservers: 2, topics: ['orders'] })
  const { code, result } = await doctor(cluster.nameservers)
  const problems = result.checks.filter(({ status }) => status === 'problem')
  deepEqual(problems, [])
  equal(code, 0)
  equal(result.ok, true)
  const ids = (id: string): number =>
    result.checks.filter((check) => check.id === id && check.status === 'ok').length
  deepEqual(
    ['nameserver', 'nameservers-agree', 'broker-address', 'clock', 'write-permission'].map(ids),
    [2, 1, 2, 2, 2],
  )
})

test('a NameServer that is away, and a broker that is, are problems with a hint', async () => {
  await using cluster = await startCluster({ brokers: 2, topics: ['orders'] })
  await cluster.brokers[1]!.kill()
  const { code, result } = await doctor([...cluster.nameservers, '127.0.0.1:1'])
  equal(code, 1)
  equal(result.ok, false)
  const nameserver = result.checks.find(({ target }) => target === '127.0.0.1:1')
  equal(nameserver?.status, 'problem')
  ok(nameserver?.hint)
  const broker = result.checks.find(
    ({ id, status }) => id === 'broker-address' && status === 'problem',
  )
  if (broker !== undefined) match(broker.hint ?? '', /set brokerIP1/)
})

test('nobody at all ends with 1, and a line for people says so', async () => {
  const { code, out } = await runCli(['doctor', '-n', '127.0.0.1:1', '--timeout', '1s'])
  equal(code, 1)
  match(out, /^problem {2}127\.0\.0\.1:1: .*\n {9}start one with/)
  match(out, /\n1 problem, 0 warnings, 0 ok\n$/)
})
