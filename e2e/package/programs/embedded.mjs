// A cluster inside this process, from the installed package, with the client that is in it.
import { RocketMQ, startCluster } from 'apogee'

const COUNT = 20

const cluster = await startCluster({ topics: { embedded: 4 } })
const mq = new RocketMQ({ nameservers: cluster.nameservers })
const producer = await mq.producer({ group: 'P_embedded' })
for (let n = 0; n < COUNT; n++) await producer.send({ topic: 'embedded', body: String(n) })
const consumer = await mq.consumer({
  group: 'C_embedded',
  subscriptions: { embedded: '*' },
  from: 'first',
})
const seen = new Set()
await consumer.run((message) => seen.add(message.body.toString()))
await cluster.waitFor(() => seen.size === COUNT)
await mq.close()
await cluster.close()
console.log(`${seen.size} of ${COUNT} messages came back`)
