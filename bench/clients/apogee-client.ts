// Apogee's client under load. Prints one JSON line at the end.
//   apogee-client.ts produce NAMESRV TOPIC SIZE IN_FLIGHT WARMUP_SECONDS SECONDS
//   apogee-client.ts consume NAMESRV TOPIC GROUP COUNT
//   apogee-client.ts prefetch NAMESRV TOPIC GROUP BYTES
//   apogee-client.ts connect NAMESRV TOPIC MODULE
import { setTimeout as sleep } from 'node:timers/promises'

const CONSUME_LIMIT_MS = 300_000

async function produce(args: readonly string[]): Promise<object> {
  const [namesrv = '', topic = '', size, inFlight, warmupSeconds, seconds] = args
  const { RocketMQ } = await import('@apogee/client')
  await using mq = new RocketMQ({ nameservers: namesrv })
  const producer = await mq.producer({ group: 'bench_apogee_producer', compress: false })
  const body = Buffer.alloc(Number(size), 'a')
  let stored = 0
  let failed = 0
  let untilMs = performance.now() + Number(warmupSeconds) * 1000
  const one = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      try {
        await producer.send({ topic, body })
        stored++
      } catch {
        failed++
      }
    }
  }
  const all = (): Promise<unknown> => Promise.all(Array.from({ length: Number(inFlight) }, one))
  await all()
  stored = 0
  const startedMs = performance.now()
  untilMs = startedMs + Number(seconds) * 1000
  await all()
  return { perSecond: stored / ((performance.now() - startedMs) / 1000), count: stored, failed }
}

async function consume(args: readonly string[]): Promise<object> {
  const [namesrv = '', topic = '', group = '', expected] = args
  const { RocketMQ } = await import('@apogee/client')
  await using mq = new RocketMQ({ nameservers: namesrv })
  const consumer = await mq.consumer({ group, subscriptions: { [topic]: '*' }, from: 'first' })
  let count = 0
  let bytes = 0
  let firstMs = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  setTimeout(resolve, CONSUME_LIMIT_MS).unref()
  await consumer.run((message) => {
    if (firstMs === 0) firstMs = performance.now()
    bytes += message.body.length
    if (++count === Number(expected)) resolve()
  })
  await promise
  return { perSecond: count / ((performance.now() - firstMs) / 1000), count, bytes }
}

/** Handlers that never end, until what is prefetched stops growing: memory beside the bytes of messages. */
async function prefetch(args: readonly string[]): Promise<object> {
  const [namesrv = '', topic = '', group = '', wanted] = args
  const { RocketMQ } = await import('@apogee/client')
  await using mq = new RocketMQ({ nameservers: namesrv })
  await settleMemory()
  const before = process.memoryUsage()
  const limit = Number(wanted)
  const consumer = await mq.consumer({
    group,
    subscriptions: { [topic]: '*' },
    from: 'first',
    concurrency: 1,
    drainTimeoutMs: 1,
    prefetch: { messages: 65_535, bytes: limit, span: 65_535 },
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  await consumer.run(() => promise)
  let held = 0
  for (let unchanged = 0; unchanged < 10; ) {
    await sleep(200)
    const now = consumer.cached().bytes
    unchanged = now === held && now > 0 ? unchanged + 1 : 0
    held = now
  }
  await settleMemory()
  const after = process.memoryUsage()
  const total = (usage: NodeJS.MemoryUsage): number => usage.heapUsed + usage.external
  resolve()
  return {
    messageBytes: held,
    memoryBytes: total(after) - total(before),
    ratio: (total(after) - total(before)) / held,
    rssBytes: after.rss - before.rss,
    rssRatio: (after.rss - before.rss) / held,
  }
}

async function settleMemory(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    ;(globalThis as { gc?: () => void }).gc?.()
    await sleep(50)
  }
}

/** From before the import, of the package as it is published, to a producer that knows its topic's route and its broker. */
async function connect(args: readonly string[]): Promise<object> {
  const [namesrv = '', topic = '', module = ''] = args
  const startedMs = performance.now()
  const { RocketMQ } = (await import(module)) as typeof import('@apogee/client')
  const importedMs = performance.now()
  await using mq = new RocketMQ({ nameservers: namesrv })
  const producer = await mq.producer({ group: 'bench_connect', topics: [topic] })
  const connectedMs = performance.now()
  await producer.send({ topic, body: 'first' })
  const sentMs = performance.now()
  return {
    importMs: importedMs - startedMs,
    connectedMs: connectedMs - startedMs,
    firstSendMs: sentMs - startedMs,
  }
}

const programs: Record<string, (args: readonly string[]) => Promise<object>> = {
  produce,
  consume,
  prefetch,
  connect,
}
const [name = '', ...rest] = process.argv.slice(2)
const program = programs[name]
if (program === undefined) throw new Error(`no program ${name}`)
console.log(JSON.stringify(await program(rest)))
process.exit(0)
