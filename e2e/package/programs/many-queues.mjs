// More queues than the broker writes without its worker thread: 8 topics with 4 queues each.
import { RocketMQ } from '@apogee/client'

const mq = new RocketMQ({ nameservers: process.argv[2] })
const producer = await mq.producer({ group: 'P_many' })
for (let topic = 0; topic < 8; topic++) {
  const sends = Array.from({ length: 16 }, () =>
    producer.send({ topic: `many-${topic}`, body: 'x'.repeat(100) }),
  )
  await Promise.all(sends)
}
await mq.close()
console.log('stored')
