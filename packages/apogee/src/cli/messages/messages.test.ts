import { deepEqual, equal, match } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Cluster } from '../../embedded/cluster.ts'
import { startCluster } from '../../embedded/start-cluster.ts'
import { type CliOptions, type CliResult, RunningCli, runCli } from '../testing/run-cli.ts'

let cluster: Cluster
before(async () => {
  const topics = [
    'sent',
    'lines',
    'json',
    'tailed',
    'live',
    'piped',
    'eaten',
    'ordered',
    'cut',
    'copied',
    'held',
  ]
  cluster = await startCluster({
    topics: Object.fromEntries(topics.map((topic) => [topic, 2])),
    config: { enablePropertyFilter: true },
  })
})
after(() => cluster.close())

const environment = (): Record<string, string> => ({ NAMESRV_ADDR: cluster.nameservers.join(';') })
function run(words: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return runCli(words, { ...options, environment: { ...environment(), ...options.environment } })
}
function lines(out: string): Record<string, unknown>[] {
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('send tells where the message is, and it is there', async () => {
  const words = ['send', 'sent', 'hello', '--tag', 't', '--key', 'k', '--property', 'region=eu']
  const { code, out } = await run(words)
  equal(code, 0)
  const [result] = lines(out)
  const [message] = await cluster.messages('sent')
  equal(result!['status'], 'SEND_OK')
  deepEqual(
    [result!['brokerName'], result!['queueId'], result!['queueOffset'], result!['messageId']],
    [message!.broker, message!.queueId, message!.queueOffset, message!.messageId],
  )
  deepEqual(
    [message!.body.toString(), message!.tags, message!.keys, message!.properties['region']],
    ['hello', 't', ['k'], 'eu'],
  )
  const text = await run([...words, '-o', 'text'])
  match(text.out, /^SEND_OK broker-a\/\d:\d [0-9A-F]{32}\n$/)
})

test('lines are sent in their order, and told in their order', async () => {
  const input = Array.from({ length: 200 }, (_, number) => `line ${number}\n`).join('')
  const { code, out } = await run(['send', 'lines', '--lines', '--sharding-key', 'one'], { input })
  equal(code, 0)
  deepEqual(
    lines(out).map(({ index }) => index),
    Array.from({ length: 200 }, (_, number) => number),
  )
  const bodies = (await cluster.messages('lines')).map(({ body }) => body.toString())
  deepEqual(bodies, input.trimEnd().split('\n'))
})

test('what tail prints can be sent', async () => {
  await run(['send', 'json', '--json-lines'], {
    input:
      '{"body":{"id":1},"keys":["a","b"],"tag":"x","properties":{"n":1}}\n\n{"bodyBase64":"//4="}\n',
  })
  const tailed = await run(['tail', 'json', '--from', 'first', '--no-follow'])
  equal(lines(tailed.out).length, 2)
  equal((await run(['send', 'copied', '--json-lines'], { input: tailed.out })).code, 0)
  const contents = async (topic: string): Promise<unknown[]> =>
    (await cluster.messages(topic))
      .map(({ body, keys, properties, tags }) =>
        JSON.stringify([body.toString('base64'), keys, tags, properties['n']]),
      )
      .sort((a, b) => a.localeCompare(b))
  deepEqual(await contents('copied'), await contents('json'))
})

test('a line that cannot be read ends sending: what was sent before is told, the code is its own', async () => {
  const { code, err, out } = await run(['send', 'sent', '--json-lines'], {
    input: '{"body":"good"}\nbad\n',
  })
  equal(lines(out).length <= 1, true)
  match(err, /line 2: no JSON.* \[CLI_INPUT_INVALID\]/)
  equal(code, 1)
})

test('a topic that cannot be is a usage error', async () => {
  const { code, err } = await run(['send', 'no good', 'x'])
  equal(code, 2)
  match(err, /\[RMQ_INVALID_ARGUMENT\]/)
})

test('tail shows the past from where it is told to, filtered, and leaves no trace', async () => {
  const input = Array.from({ length: 20 }, (_, n) =>
    JSON.stringify({
      body: `m${n}`,
      tag: n % 2 ? 'odd' : 'even',
      keys: [`k${n}`],
      properties: { n },
    }),
  )
  for (const line of input) await run(['send', 'tailed', '--json-lines'], { input: line })
  const bodies = async (...words: string[]): Promise<string[]> => {
    const { code, out, err } = await run([
      'tail',
      'tailed',
      '--no-follow',
      '--format',
      '{{body}}',
      ...words,
    ])
    equal(code, 0, err)
    return out.split('\n').filter((line) => line !== '')
  }
  const all = input.map((_, n) => `m${n}`)
  deepEqual(await bodies('--from', 'first'), all)
  deepEqual(await bodies('--from', 'last'), [])
  deepEqual(await bodies('--from', '-3'), all.slice(-3))
  deepEqual(await bodies('--from', '1h', '--max', '4'), all.slice(0, 4))
  deepEqual(await bodies('--from', 'first', '--key', 'k7', '--key', 'k8'), ['m7', 'm8'])
  deepEqual(
    await bodies('--from', 'first', '--tag', 'odd'),
    all.filter((_, n) => n % 2 === 1),
  )
  deepEqual(await bodies('--from', 'first', '--sql', 'n > 16'), ['m17', 'm18', 'm19'])
  deepEqual(await bodies('--from', 'first', '--until', '1h'), [])
  const queue0 = await bodies('--from', '5', '--queue', '0')
  deepEqual(
    queue0,
    (await cluster.messages('tailed', { queueId: 0 })).slice(5).map(({ body }) => body.toString()),
  )
  deepEqual(await cluster.offsets('TOOLS_CONSUMER'), [])
  deepEqual(cluster.clients('TOOLS_CONSUMER'), [])
})

test('tail shows messages as they come until the signal, and ends with 0', async () => {
  const shown: string[] = []
  const tailing = new RunningCli(['tail', 'live', '--format', '{{body}}'], {
    environment: environment(),
    onOutput: (text, cli) => {
      shown.push(text.trimEnd())
      if (shown.length === 5) cli.signal('SIGINT')
    },
  })
  // It begins at the end: what comes before it has looked is not its.
  let number = 0
  while (shown.length < 5) await run(['send', 'live', `m${number++}`])
  equal((await tailing.result).code, 0)
  equal(shown.length, 5)
  equal(new Set(shown).size, 5)
})

test('a reader that goes away ends tail quietly with 0', async () => {
  await run(['send', 'piped', 'x', '--count', '50'])
  let seen = 0
  const tailing = new RunningCli(['tail', 'piped', '--from', 'first'], {
    environment: environment(),
    onOutput: (_text, cli) => {
      seen += 1
      if (seen === 3) cli.closeOutput()
    },
  })
  const { code, err } = await tailing.result
  deepEqual([code, err, seen], [0, '', 3])
})

test('consume acknowledges what it has shown, no more', async () => {
  await run(['send', 'eaten', 'x', '--count', '30'])
  const first = await run([
    'consume',
    'eaten',
    '--group',
    'eaters',
    '--from',
    'first',
    '--max',
    '10',
    '--timeout',
    '20s',
  ])
  equal(first.code, 0, first.err)
  equal(lines(first.out).length, 10)
  equal((await cluster.lag('eaters', 'eaten')).total, 20)
  const rest = await run([
    'consume',
    'eaten',
    '--group',
    'eaters',
    '--max',
    '20',
    '--timeout',
    '20s',
  ])
  equal(lines(rest.out).length, 20)
  const ids = [...lines(first.out), ...lines(rest.out)].map(
    ({ offsetMessageId }) => offsetMessageId,
  )
  equal(new Set(ids).size, 30)
  equal((await cluster.lag('eaters', 'eaten')).total, 0)
})

test('too few in time ends with 4, an end without a count with 0', async () => {
  const words = ['consume', 'eaten', '--group', 'late', '--timeout', '500ms']
  const late = await run([...words, '--max', '31', '--from', 'first'])
  equal(late.code, 4, late.err)
  match(late.err, /30 of 31 messages, then none for 500 ms \[CLI_TIMED_OUT\]/)
  equal((await run(words)).code, 0)
})

test('ordered consumption keeps the order of each queue', async () => {
  const input = Array.from({ length: 40 }, (_, n) => `${n}\n`).join('')
  await run(['send', 'ordered', '--lines', '--sharding-key', 'k'], { input })
  const { code, out, err } = await run([
    'consume',
    'ordered',
    '--group',
    'o',
    '--ordered',
    '--from',
    'first',
    '--max',
    '40',
    '--timeout',
    '20s',
    '--format',
    '{{body}}',
  ])
  equal(code, 0, err)
  equal(out, input)
  equal((await cluster.lag('o', 'ordered')).total, 0)
})

test('a message whose reader had gone is not acknowledged', async () => {
  await run(['send', 'cut', 'x', '--count', '10'])
  let seen = 0
  const consuming = new RunningCli(['consume', 'cut', '--group', 'cutters', '--from', 'first'], {
    environment: environment(),
    onOutput: (_text, cli) => {
      seen += 1
      if (seen === 4) cli.closeOutput()
    },
  })
  equal((await consuming.result).code, 0)
  const { total } = await cluster.lag('cutters', 'cut')
  equal(total, 7)
})

test('messages of one key do not overtake one that is held up', async () => {
  const rule = cluster.faults.delay(
    { code: 'SEND_MESSAGE_V2', topic: 'held', after: 2, times: 1 },
    200,
  )
  const input = Array.from({ length: 8 }, (_, n) => `${n}\n`).join('')
  equal((await run(['send', 'held', '--lines', '--sharding-key', 'k'], { input })).code, 0)
  equal(rule.hits, 1)
  deepEqual(
    (await cluster.messages('held')).map(({ body }) => body.toString()),
    input.trimEnd().split('\n'),
  )
})

test('ordered consumption stops at its count, too', async () => {
  const words = [
    'consume',
    'ordered',
    '--group',
    'o5',
    '--ordered',
    '--from',
    'first',
    '--max',
    '5',
    '--timeout',
    '20s',
  ]
  equal(lines((await run(words)).out).length, 5)
  equal((await cluster.lag('o5', 'ordered')).total, 35)
})

test('tail reads what can be read when a broker is away, says so, and ends with 5', async () => {
  await using two = await startCluster({ brokers: 2, topics: { half: 1 } })
  const at = (words: readonly string[]): Promise<CliResult> =>
    runCli(words, { environment: { NAMESRV_ADDR: two.nameservers.join(';') } })
  await at(['send', 'half', 'x', '--count', '20', '--in-flight', '1'])
  const here = (await two.messages('half')).filter(({ broker }) => broker === 'broker-a').length
  two.faults.disconnect({ broker: 'broker-b', topic: 'half' })
  const { code, err, out } = await at([
    'tail',
    'half',
    '--from',
    'first',
    '--no-follow',
    '--timeout',
    '2s',
  ])
  equal(code, 5, err)
  match(err, /^apogee: .*\[ADMIN_BROKER_UNREACHABLE\]\n {2}hint: .*\n$/)
  equal(lines(out).length, here)
})

test('a tail goes on with a broker that comes back', async () => {
  await using two = await startCluster({ brokers: 2, topics: { back: 1 } })
  const environment = { NAMESRV_ADDR: two.nameservers.join(';') }
  await runCli(['send', 'back', 'x', '--count', '20', '--in-flight', '1'], { environment })
  const rule = two.faults.disconnect({ broker: 'broker-b', topic: 'back' })
  let seen = 0
  const tailing = new RunningCli(['tail', 'back', '--from', 'first', '--max', '20'], {
    environment,
    onOutput: (text) => {
      seen += text.startsWith('{') ? 1 : 0
      if (text.includes('UNREACHABLE')) rule.remove()
    },
  })
  equal((await tailing.result).code, 0)
  equal(seen, 20)
})
