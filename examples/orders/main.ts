// An order and the message about it commit together, or neither does.
import { randomUUID } from 'node:crypto'
import { json, RocketMQ } from '@apogee/client'

interface Order {
  id: string
  customer: string
  amount: number
}

/** Stands for your database: what was committed, and nothing else, is still there after a crash. */
const committed = new Map<string, Order>()

await using mq = new RocketMQ()
const placed = mq.topic('orders-placed', { codec: json<Order>() })

await using orders = await mq.transactionProducer({
  group: 'P_orders',
  // Asked by the broker when it has not heard of an outcome, perhaps after a restart: only the database knows.
  check: async (message) => (committed.has(message.keys[0] ?? '') ? 'commit' : 'rollback'),
})

async function place(customer: string, amount: number): Promise<void> {
  const order = { id: randomUUID(), customer, amount }
  const message = placed.message({ body: order, tag: 'placed', keys: [order.id] })
  await orders.sendInTransaction(message, async () => {
    if (amount <= 0) return 'rollback'
    committed.set(order.id, order)
    return 'commit'
  })
}

await using shipping = await mq.consumer({
  group: 'C_shipping',
  subscriptions: { 'orders-placed': 'placed' },
  from: 'first',
  codec: json<Order>(),
})

// Delivery is at least once: what was done already is known by the order's id.
const shipped = new Set<string>()
const allShipped = new Promise<void>((resolve, reject) => {
  shipping
    .run(({ body: order }) => {
      if (shipped.has(order.id)) return
      shipped.add(order.id)
      console.log(`shipping to ${order.customer}: ${order.amount}`)
      if (shipped.size === 2) resolve()
    })
    .catch(reject)
})

await place('ada', 120)
await place('bob', -5) // rolled back: nobody hears of it
await place('cleo', 80)
await allShipped
console.log(`${shipped.size} orders shipped, ${committed.size} in the database`)
