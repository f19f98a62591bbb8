import { equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Cluster } from '../../embedded/cluster.ts'
import { startCluster } from '../../embedded/start-cluster.ts'
import { runCli } from '../testing/run-cli.ts'
import type { BenchJson } from './report.ts'

let cluster: Cluster
before(async () => {
  cluster = await startCluster({ topics: { load: 2, paced: 2 } })
})
after(() => cluster.close())

async function bench(...words: string[]): Promise<BenchJson> {
  const environment = { NAMESRV_ADDR: cluster.nameservers.join(';') }
  const { code, out, err } = await runCli(['bench', ...words, '-o', 'json'], { environment })
  equal(code, 0, err)
  return JSON.parse(out) as BenchJson
}

test('produce sends as many as it is told, and consume finds them', async () => {
  const produced = await bench(
    'produce',
    '--topic',
    'load',
    '--count',
    '501',
    '--batch',
    '10',
    '--in-flight',
    '4',
    '--size',
    '100',
  )
  equal(produced.messages, 501)
  equal(produced.bytes, 50_100)
  ok(
    produced.latency !== null &&
      produced.latency.p50Ms > 0 &&
      produced.latency.maxMs >= produced.latency.p99Ms,
  )
  const consumed = await bench(
    'consume',
    '--topic',
    'load',
    '--from',
    'first',
    '--count',
    '501',
    '--idle',
    '10s',
  )
  equal(consumed.messages, 501)
  ok(consumed.latency !== null && consumed.latency.minMs >= 0)
})

test('a rate is kept', async () => {
  const { messages, seconds } = await bench(
    'produce',
    '--topic',
    'paced',
    '--rate',
    '200',
    '--duration',
    '1s',
    '--size',
    '10',
  )
  ok(messages >= 150 && messages <= 210, `${messages} in ${seconds} s`)
})

test('consume of nothing ends with 4 and says what to do', async () => {
  const environment = { NAMESRV_ADDR: cluster.nameservers.join(';') }
  const { code, err } = await runCli(
    ['bench', 'consume', '--topic', 'paced', '--group', 'g', '--tag', 'none', '--idle', '300ms'],
    { environment },
  )
  equal(code, 4)
  match(err, /no message of topic paced came \[CLI_TIMED_OUT\]\n {2}hint: /)
})
