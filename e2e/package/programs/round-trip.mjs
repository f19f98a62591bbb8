// What a user's first program does, with the installed client: sends, consumes, says how many came back.
import { json, RocketMQ } from '@apogee/client'

const COUNT = 20
const LIMIT_MS = 20_000

const mq = new RocketMQ({ nameservers: process.argv[2] })
const topic = mq.topic('package-test', { codec: json() })
const producer = await mq.producer({ group: 'P_package' })
const sends = Array.from({ length: COUNT }, (_, n) =>
  producer.send(topic.message({ body: { n }, tag: 'round', keys: [`key-${n}`] })),
)
for (const { status } of await Promise.all(sends)) {
  if (status !== 'SEND_OK') throw new Error(`a send ended with ${status}`)
}

const consumer = await mq.consumer({
  group: 'C_package',
  subscriptions: { 'package-test': 'round' },
  from: 'first',
  codec: json(),
})
const seen = new Set()
await new Promise((resolve, reject) => {
  const limit = setTimeout(() => reject(new Error(`only ${seen.size} came`)), LIMIT_MS)
  const done = () => {
    clearTimeout(limit)
    resolve()
  }
  consumer
    .run((message) => {
      seen.add(message.body.n)
      if (seen.size === COUNT) done()
    })
    .catch(reject)
})
await consumer.close()
await producer.close()
await mq.close()
console.log(`${seen.size} of ${COUNT} messages came back`)
