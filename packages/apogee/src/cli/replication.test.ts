import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { Cluster } from '../embedded/cluster.ts'
import { startCluster } from '../embedded/start-cluster.ts'
import { type CliResult, runCli } from './testing/run-cli.ts'

let cluster: Cluster
before(async () => {
  cluster = await startCluster({ mode: 'sync-replica', topics: { orders: 2 } })
  await cluster.inSync()
})
after(() => cluster.close())

function run(words: readonly string[]): Promise<CliResult> {
  return runCli(words, { environment: { NAMESRV_ADDR: cluster.nameservers.join(';') } })
}

test('cluster replicas is a table for people and raw values for scripts', async () => {
  const table = await run(['cluster', 'replicas'])
  equal(table.code, 0)
  match(table.out, /^CLUSTER +BROKER +ID +ADDRESS +ROLE +OFFSET +LAG +IN SYNC +REPLICAS +SERVES/)
  match(table.out, / SYNC_MASTER .* write\+read /)
  match(table.out, / SLAVE .* 0 +true .* following/)
  const json = await run(['cluster', 'replicas', '-o', 'json'])
  const { items } = JSON.parse(json.out) as { items: Record<string, unknown>[] }
  deepEqual(
    items.map(({ role, inSync, serves }) => [role, inSync, serves]),
    [
      ['SYNC_MASTER', null, ['write', 'read']],
      ['SLAVE', true, []],
    ],
  )
  match((await run(['cluster', 'replicas', '-o', 'yaml'])).out, /lagBytes: 0/)
})

test("haStatus has mqadmin's flags, and a form of two words", async () => {
  const slave = cluster.slaves[0]!.address
  const admin = await run(['admin', 'haStatus', '-c', 'DefaultCluster'])
  match(admin.out, /\nbroker-a +\S+ +MASTER .*\nbroker-a +\S+ +SLAVE /)
  // -c after the verb is the verb's: before it, it is the configuration of a broker to be started.
  const noun = await run(['broker', 'replication', '-c', 'DefaultCluster'])
  deepEqual([noun.code, noun.out.split('\n').length], [0, admin.out.split('\n').length])
  const own = await run(['admin', 'haStatus', '-b', slave, '-o', 'json'])
  const { items } = JSON.parse(own.out) as { items: Record<string, unknown>[] }
  deepEqual([items.length, items[0]!['role'], items[0]!['isFollowing']], [1, 'SLAVE', true])
  equal((await run(['admin', 'haStatus'])).code, 2)
  equal((await run(['broker', 'status', '-c', 'DefaultCluster'])).code, 0)
})

test('items have the members that the schema names, and no others', async () => {
  const path = new URL('../../../../docs/cli/output.schema.json', import.meta.url)
  const { $defs } = JSON.parse(readFileSync(path, 'utf8')) as {
    $defs: Record<string, { properties: Record<string, unknown>; required: string[] }>
  }
  const forms = [
    [$defs['replica']!, ['cluster', 'replicas']],
    [$defs['replicationRow']!, ['broker', 'replication', '-c', 'DefaultCluster']],
  ] as const
  for (const [{ properties, required }, words] of forms) {
    const { out } = await run([...words, '-o', 'json'])
    const { items } = JSON.parse(out) as { items: Record<string, unknown>[] }
    equal(items.length, 2)
    for (const item of items) {
      for (const name of required) ok(name in item, `${words.join(' ')}: ${name}`)
      for (const name of Object.keys(item)) ok(name in properties, `${words.join(' ')}: ${name}`)
    }
  }
})

test('the doctor looks at replication', async () => {
  const well = await run(['doctor', '-o', 'json'])
  const checks = (out: string): Record<string, unknown>[] =>
    (JSON.parse(out) as { checks: Record<string, unknown>[] }).checks.filter(
      ({ id }) => id === 'replication',
    )
  deepEqual(
    checks(well.out).map(({ status }) => status),
    ['ok', 'ok'],
  )
  await cluster.slaves[0]!.kill()
  const alone = await cluster.waitFor(async () => {
    const { code, out } = await run(['doctor', '-o', 'json'])
    return code === 1 && checks(out).length === 1 ? checks(out) : null
  })
  equal(alone[0]!['status'], 'problem')
  match(String(alone[0]!['message']), /without a slave in sync/)
})
