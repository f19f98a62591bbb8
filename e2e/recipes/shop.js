// What the recipes test: a shop that sends orders, and a mailer that mails a receipt for each.
import { json, RocketMQ } from 'apogee'

const codec = json()

export async function openShop(nameservers, options = {}) {
  const mq = new RocketMQ({ nameservers })
  const producer = await mq.producer({ group: 'shop', ...options })
  const orders = mq.topic('orders', { codec })
  return {
    /** Sends an order; with `delayLevel` it arrives later. */
    order: (id, options = {}) =>
      producer.send(orders.message({ body: { id }, keys: id, ...options })),
    close: () => mq.close(),
  }
}

/** Calls `mail` with each order; what fails is tried again, ten seconds later at first. */
export async function openMailer(nameservers, mail) {
  const mq = new RocketMQ({ nameservers })
  const subscriptions = { orders: '*' }
  const consumer = await mq.consumer({ group: 'mailer', subscriptions, from: 'first', codec })
  void consumer.run(async ({ body }) => mail(body.id))
  return { close: () => mq.close() }
}
