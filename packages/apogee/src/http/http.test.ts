import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { ApogeeProcess, testFolder } from '../testing/apogee-process.ts'
import { parsePrometheus } from '../testing/parse-prometheus.ts'
import { RawClient } from '../testing/raw-client.ts'

test('probes answer, a scrape is well formed and has the names of RocketMQ 5', async (t) => {
  const store = join(testFolder(t), 'store')
  const args = ['start', '--port', '0', '--namesrv-port', '0', '--store', store]
  const run = await ApogeeProcess.serve(t, args)
  const base = `http://127.0.0.1:${run.ports.http}`
  for (const path of ['/livez', '/readyz', '/healthz']) {
    const response = await fetch(base + path)
    deepEqual([path, response.status, await response.text()], [path, 200, 'ok\n'])
  }
  equal((await fetch(`${base}/nothing`)).status, 404)
  equal((await fetch(`${base}/livez`, { method: 'POST' })).status, 405)

  const client = new RawClient()
  const address = `127.0.0.1:${run.ports.broker}`
  await client.send(address, 'orders', 'one')
  // A group that has acknowledged nothing of what is there.
  await client.pull(address, 'orders', 0, 0)
  await client.commit(address, 'orders', 0)
  await client.close()
  const response = await fetch(`${base}/metrics`)
  match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  const families = parsePrometheus(await response.text())
  const sample = families
    .get('rocketmq_messages_in_total')
    ?.samples.find(({ labels }) => labels['topic'] === 'orders')
  equal(sample?.value, 1)
  equal(sample?.labels['node_id'], 'broker-a')
  const lag = families.get('apogee_consumer_queue_lag_messages')?.samples[0]
  deepEqual([lag?.labels['queue_id'], lag?.value], ['0', 1])
  const types = {
    rocketmq_broker_permission: 'gauge',
    rocketmq_topic_number: 'gauge',
    rocketmq_throughput_in_total: 'counter',
    rocketmq_message_size: 'histogram',
    rocketmq_rpc_latency_milliseconds: 'histogram',
    rocketmq_storage_size_bytes: 'gauge',
    rocketmq_storage_flush_behind_bytes: 'gauge',
    rocketmq_storage_dispatch_behind_bytes: 'gauge',
    process_resident_memory_bytes: 'gauge',
  }
  for (const [name, type] of Object.entries(types)) equal(families.get(name)?.type, type, name)
})

test('ready means registered: a broker whose NameServer is away is alive and not ready', async (t) => {
  const store = join(testFolder(t), 'store')
  const args = ['broker', '--port', '0', '-n', '127.0.0.1:1', '--store', store]
  const run = await ApogeeProcess.serve(t, args)
  const base = `http://127.0.0.1:${run.ports.http}`
  equal((await fetch(`${base}/livez`)).status, 200)
  const ready = await fetch(`${base}/readyz`)
  equal(ready.status, 503)
  match(await ready.text(), /not registered with any NameServer/)
})

test('what others can reach is told at the start, once for each part', async (t) => {
  const run = await ApogeeProcess.serve(t, ['namesrv', '--port', '0', '--host', '0.0.0.0'])
  equal(run.events('no_access_control').length, 1)
  ok(run.events('boot_success').length === 1)
})
