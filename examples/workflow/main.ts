// The steps of each order arrive in their order, while the orders go on beside one another.
import { json, RocketMQ } from '@apogee/client'

const STEPS = ['created', 'paid', 'packed', 'shipped'] as const
type Step = (typeof STEPS)[number]

interface Event {
  order: string
  step: Step
}

const ORDERS = ['A', 'B', 'C', 'D']

await using mq = new RocketMQ()
const events = mq.topic('order-events', { codec: json<Event>() })
await using producer = await mq.producer({ group: 'P_workflow' })

// One order after the other step by step; all orders at once.
await Promise.all(
  ORDERS.map(async (order) => {
    for (const step of STEPS) {
      // The same key, the same queue: that is what keeps the order.
      await producer.send(events.message({ body: { order, step } }), { shardingKey: order })
    }
  }),
)

const progress = new Map<string, Step[]>()
let hasFailed = false

await using consumer = await mq.consumer({
  group: 'C_workflow',
  subscriptions: { 'order-events': '*' },
  from: 'first',
  codec: json<Event>(),
  suspendMs: 100,
})

await new Promise<void>((resolve, reject) => {
  let open = ORDERS.length
  consumer
    .runOrdered(({ body: { order, step } }) => {
      const done = progress.get(order) ?? []
      if (done.includes(step)) return // delivered again
      if (step === 'paid' && order === 'B' && !hasFailed) {
        hasFailed = true
        throw new Error('the bank does not answer') // this queue waits, then the same step comes again
      }
      const expected = STEPS[done.length]
      if (step !== expected) throw new Error(`${order}: ${step} before ${expected}`)
      progress.set(order, [...done, step])
      if (done.length + 1 === STEPS.length && --open === 0) resolve()
    })
    .catch(reject)
})

for (const order of ORDERS) console.log(`${order}: ${progress.get(order)?.join(' → ')}`)
