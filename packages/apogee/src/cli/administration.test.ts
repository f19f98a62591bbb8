import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Cluster } from '../embedded/cluster.ts'
import { startCluster } from '../embedded/start-cluster.ts'
import { type CliOptions, type CliResult, RunningCli, runCli } from './testing/run-cli.ts'

let cluster: Cluster
before(async () => {
  cluster = await startCluster({ topics: { orders: 4, old: 2 } })
})
after(() => cluster.close())

function run(words: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const environment = { NAMESRV_ADDR: cluster.nameservers.join(';'), ...options.environment }
  return runCli(words, { ...options, environment })
}

test('topics are listed as a table, as JSON, YAML and names', async () => {
  const table = await run(['topic', 'list'])
  match(table.out, /^TOPIC {2,}KIND .*\n(?:.*\n)*orders +normal +4 +4 +RW-/)
  match(table.err, /internal topics not shown/)
  const json = JSON.parse((await run(['topic', 'list', '-o', 'json'])).out) as {
    items: { topic: string }[]
  }
  deepEqual(
    json.items.map(({ topic }) => topic),
    ['old', 'orders'],
  )
  match((await run(['topic', 'list', '-o', 'yaml'])).out, /^items:\n {2}- topic: old\n/)
  equal((await run(['topic', 'list', '-o', 'name'])).out, 'old\norders\n')
  equal((await run(['topic', 'list', '--no-headers'])).out.startsWith('old'), true)
})

test("mqadmin's names and flags do the same", async () => {
  match((await run(['admin', 'topicList', '-n', cluster.nameservers[0]!])).out, /\norders\n/)
  match((await run(['admin', 'topicRoute', '-t', 'orders'])).out, /broker-a/)
  equal(
    (
      await run([
        'admin',
        'updateTopic',
        '-c',
        'DefaultCluster',
        '-t',
        'made',
        '-r',
        '3',
        '-w',
        '3',
      ])
    ).code,
    0,
  )
  match((await run(['topic', 'list'])).out, /\nmade +normal +3 +3/)
})

test('a word and its option may both name the topic, but not two topics', async () => {
  equal((await run(['topic', 'route', '-t', 'orders'])).code, 0)
  const both = await run(['topic', 'route', 'orders', '-t', 'old'])
  equal(both.code, 2)
  match(both.err, /said twice/)
  match((await run(['topic', 'route', 'orders', 'more'])).err, /too many|one word too many/)
})

test('what would lose something is not done without a yes, and says what', async () => {
  const asked = await run(['topic', 'delete', 'old'])
  equal(asked.code, 2)
  match(
    asked.err,
    /not done without a yes: Every message of old .* \[CLI_NOT_CONFIRMED\]\n {2}hint: --yes/,
  )
  match((await run(['topic', 'delete', 'old', '--dry-run'])).out, /would be deleted/)
  equal((await run(['topic', 'list', '-o', 'name'])).out.includes('old'), true)
  equal((await run(['topic', 'delete', 'old', '--yes'])).code, 0)
  equal((await run(['topic', 'list', '-o', 'name'])).out.includes('old'), false)
  const variable = await run(['admin', 'deleteTopic', '-t', 'made', '-c', 'DefaultCluster'], {
    environment: { APOGEE_YES: '1' },
  })
  equal(variable.code, 0)
})

test('what is not there is an error with a code and a hint', async () => {
  const { code, err, out } = await run(['topic', 'route', 'nowhere'])
  equal(code, 1)
  equal(out, '')
  match(err, /^apogee: .*nowhere.* \[ADMIN_TOPIC_NOT_FOUND\]\n {2}hint: /)
})

test('--watch shows it again and again until the signal, and ends with 0', async () => {
  const environment = { NAMESRV_ADDR: cluster.nameservers.join(';') }
  let rounds = 0
  const watching = new RunningCli(['topic', 'list', '--watch', '0.2', '-o', 'json'], {
    environment,
    onOutput: (text, cli) => {
      if (!text.startsWith('{')) return
      rounds += 1
      equal(text.trimEnd().includes('\n'), false)
      if (rounds === 3) cli.signal('SIGINT')
    },
  })
  equal((await watching.result).code, 0)
  equal(rounds, 3)
})

test('a command that watches by itself does so too, on a cleared screen', async () => {
  let rounds = 0
  const watching = new RunningCli(['group', 'lag', 'nobody', '--watch', '1'], {
    environment: { NAMESRV_ADDR: cluster.nameservers.join(';') },
    isTerminal: true,
    onOutput: (text, cli) => {
      if (text === '\u001b[H\u001b[2J' && ++rounds === 1) cli.signal('SIGINT')
    },
  })
  const { code, err } = await watching.result
  // A group that is not there may be an error; a watch that was ended is none.
  ok(code === 0 || /ADMIN_GROUP_NOT_FOUND/.test(err), `${code} ${err}`)
})

test('NO_COLOR takes colours from a terminal', async () => {
  const colored = await run(['topic', 'list'], { isTerminal: true })
  equal(colored.out.startsWith('\u001b[1mTOPIC'), true)
  const plain = await run(['topic', 'list'], { isTerminal: true, environment: { NO_COLOR: '1' } })
  equal(plain.out.includes('\u001b'), false)
})

test('a broker that cannot be asked makes the output a part: exit code 5, and who it was', async () => {
  await using two = await startCluster({ brokers: 2, topics: ['shared'] })
  two.faults.disconnect({ broker: 'broker-b', code: 'GET_ALL_TOPIC_CONFIG' })
  const environment = { NAMESRV_ADDR: two.nameservers.join(';') }
  const table = await runCli(['topic', 'list'], { environment })
  equal(table.code, 5)
  match(table.out, /\nshared /)
  match(
    table.err,
    new RegExp(`apogee: ${two.brokers[1]!.address}: .* \\[ADMIN_BROKER_UNREACHABLE\\]`),
  )
  const json = await runCli(['topic', 'list', '-o', 'json'], { environment })
  equal(json.code, 5)
  equal(json.err, '')
  const { items, problems } = JSON.parse(json.out) as {
    items: unknown[]
    problems: { target: string }[]
  }
  equal(items.length, 1)
  deepEqual(
    problems.map(({ target }) => target),
    [two.brokers[1]!.address],
  )
})
