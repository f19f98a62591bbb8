// The unmodified ali-ons client under load. Prints one JSON line at the end.
//   node bench.cjs produce NAMESRV TOPIC SIZE IN_FLIGHT WARMUP_SECONDS SECONDS
//   node bench.cjs consume NAMESRV TOPIC GROUP COUNT
const { Consumer, Message, Producer } = require('ali-ons')

const httpclient = {
  async request() {
    throw new Error('the bench has no address server')
  },
}
const logger = { debug() {}, info() {}, warn: console.error, error: console.error }
const CONSUME_LIMIT_MS = 300_000

async function produce([nameSrv, topic, size, inFlight, warmupSeconds, seconds]) {
  const producer = new Producer({ nameSrv, httpclient, logger, producerGroup: 'bench_ali_producer' })
  await producer.ready()
  const body = 'a'.repeat(Number(size))
  let stored = 0
  let failed = 0
  let untilMs = performance.now() + Number(warmupSeconds) * 1000
  const one = async () => {
    while (performance.now() < untilMs) {
      try {
        await producer.send(new Message(topic, '', body))
        stored++
      } catch {
        failed++
      }
    }
  }
  const all = () => Promise.all(Array.from({ length: Number(inFlight) }, one))
  await all()
  stored = 0
  const startedMs = performance.now()
  untilMs = startedMs + Number(seconds) * 1000
  await all()
  const perSecond = stored / ((performance.now() - startedMs) / 1000)
  return { perSecond, count: stored, failed }
}

async function consume([nameSrv, topic, consumerGroup, expected]) {
  const consumer = new Consumer({
    nameSrv,
    httpclient,
    logger,
    consumerGroup,
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    rebalanceInterval: 1000,
  })
  let count = 0
  let bytes = 0
  let firstMs = 0
  consumer.on('error', (error) => console.error(error))
  const finished = new Promise((resolve) => {
    setTimeout(resolve, CONSUME_LIMIT_MS).unref()
    consumer.subscribe(topic, '*', async (message) => {
      if (firstMs === 0) firstMs = performance.now()
      bytes += message.body.length
      if (++count >= Number(expected)) resolve()
    })
  })
  await consumer.ready()
  await finished
  return { perSecond: count / ((performance.now() - firstMs) / 1000), count, bytes }
}

const [command, ...rest] = process.argv.slice(2)
const run = command === 'produce' ? produce : consume
run(rest).then(
  (report) => {
    console.log(JSON.stringify(report))
    process.exit(0)
  },
  (error) => {
    console.error(error)
    process.exit(1)
  },
)
