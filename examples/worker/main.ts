// A service that works through jobs until it is told to stop.
import { setTimeout as sleep } from 'node:timers/promises'
import { json, RetryLater, RocketMQ, Unrecoverable } from '@apogee/client'

interface Job {
  url: string
}

const mq = new RocketMQ({
  logger: {
    debug: () => {},
    info: () => {},
    warn: (fields, message) => console.log('warning:', message, JSON.stringify(fields)),
    error: (fields, message) => console.log('error:', message, JSON.stringify(fields)),
  },
})

const worker = await mq.consumer({
  group: 'C_worker',
  subscriptions: { jobs: '*' },
  from: 'first',
  codec: json<Job>(),
  concurrency: 8,
  maxRetries: 5,
  drainTimeoutMs: 20_000,
})

await worker.run(async ({ body: job, reconsumeTimes }, { signal }) => {
  if (!URL.canParse(job.url)) throw new Unrecoverable(`no url: ${job.url}`)
  if (job.url.includes('busy') && reconsumeTimes === 0) throw new RetryLater({ delayLevel: 1 })
  // Pass the signal on: when a drain runs out of time, work under way can stop and the job goes to another worker.
  await sleep(50, undefined, { signal })
  console.log(`done: ${job.url} (attempt ${reconsumeTimes + 1})`)
})

// Jobs to begin with; a real worker gets them from others.
const jobs = mq.topic('jobs', { codec: json<Job>() })
const producer = await mq.producer({ group: 'P_jobs' })
for (const url of ['https://example.com/a', 'https://busy.example.com', 'nonsense']) {
  await producer.send(jobs.message({ body: { url } }))
}

const stopped = Promise.withResolvers<NodeJS.Signals>()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stopped.resolve)
console.log(`${await stopped.promise}: finishing what is under way`)
await worker.drain()
await mq.close()
console.log('stopped')
