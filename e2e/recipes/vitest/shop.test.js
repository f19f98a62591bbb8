import { startCluster } from 'apogee'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openMailer, openShop } from './shop.js'

// One cluster for the file; each test has keys of its own.
let cluster
let shop

beforeAll(async () => {
  cluster = await startCluster({ topics: { orders: 4 }, time: 'virtual' })
  shop = await openShop(cluster.nameservers, { timeoutMs: 500 })
})
afterEach(() => cluster.faults.clear())
afterAll(async () => {
  await shop.close()
  await cluster.close()
})

async function stored(id) {
  return (await cluster.messages('orders')).filter(({ keys }) => keys.includes(id))
}

test('an order is stored once, whatever the broker says first', async () => {
  cluster.faults.refuse({ code: 'SEND_MESSAGE_V2', times: 1 }, { code: 'SYSTEM_BUSY' })
  await shop.order('A1')
  const [message, ...others] = await stored('A1')
  expect(JSON.parse(message.body)).toEqual({ id: 'A1' })
  expect(others).toEqual([])
})

test('an order whose confirmation is lost may be there twice', async () => {
  cluster.faults.dropReply({ code: 'SEND_MESSAGE_V2', times: 1 })
  await shop.order('A2').catch(() => shop.order('A2'))
  expect(await stored('A2')).toHaveLength(2)
})

test('a receipt that fails is mailed again after ten seconds, which take no time', async () => {
  const mailed = []
  const mailer = await openMailer(cluster.nameservers, async (id) => {
    mailed.push(id)
    if (id === 'A3' && mailed.indexOf(id) === mailed.length - 1) throw new Error('mail is down')
  })
  await shop.order('A3')
  await cluster.waitFor(async () => (await cluster.messages('SCHEDULE_TOPIC_XXXX')).length > 0)
  await cluster.clock.advance(10_000)
  await cluster.waitFor(() => mailed.filter((id) => id === 'A3').length === 2)
  await mailer.close()
})

test('a reminder arrives after two hours', async () => {
  await shop.order('A4', { delayLevel: 18 })
  expect(await stored('A4')).toHaveLength(0)
  await cluster.clock.advance(2 * 3_600_000)
  expect(await stored('A4')).toHaveLength(1)
})

test('a broker that is killed comes back with every order', async () => {
  await shop.order('A5')
  const [broker] = cluster.brokers
  await broker.kill()
  await broker.restart()
  expect(await stored('A5')).toHaveLength(1)
})
