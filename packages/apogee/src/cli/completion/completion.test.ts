import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { startCluster } from '../../embedded/start-cluster.ts'
import { runCli } from '../testing/run-cli.ts'

/** The words that are offered. */
async function offered(words: readonly string[], nameserver = '127.0.0.1:1'): Promise<string[]> {
  const environment = { NAMESRV_ADDR: nameserver }
  const { code, err, out } = await runCli(['complete', '--', ...words], { environment })
  equal(code, 0, err)
  const printed = out.trimEnd().split('\n')
  match(printed.at(-1) ?? '', /^:\d+$/)
  return printed.slice(0, -1).map((line) => line.split('\t')[0]!)
}

test('commands, their verbs and options are completed', async () => {
  deepEqual(await offered(['ta']), ['tail'])
  deepEqual(await offered(['topic', 'de']), ['delete', 'describe'])
  deepEqual(await offered(['admin', 'updateTopicP']), ['updateTopicPerm'])
  deepEqual(await offered(['tail', 'x', '--no']), ['--no-follow'])
  deepEqual(await offered(['topic', 'list', '-o', '']), ['table', 'wide', 'json', 'yaml', 'name'])
})

test('topics, groups and brokers of a live cluster are completed', async () => {
  await using cluster = await startCluster({ topics: ['orders', 'orders-old', 'audit'] })
  const [nameserver] = cluster.nameservers
  deepEqual(await offered(['tail', 'ord'], nameserver), ['orders', 'orders-old'])
  deepEqual(await offered(['topic', 'route', '-t', ''], nameserver), [
    'audit',
    'orders',
    'orders-old',
  ])
  deepEqual(await offered(['broker', 'drain', ''], nameserver), ['broker-a'])
  deepEqual(await offered(['tail', '-n', nameserver!, 'au']), ['audit'])
})

test('without a cluster, names are not offered, and nothing fails', async () => {
  deepEqual(await offered(['tail', '']), [])
  deepEqual(await offered(['consume', 'x', '--group', '']), [])
})

test('a script for each shell, which may be read twice', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, out } = await runCli(['completion', shell])
    equal(code, 0)
    match(out, /apogee complete --/)
    equal(/^readonly /m.test(out), false)
  }
})
