import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ResponseCode } from '@apogee/protocol'
import { ApogeeProcess, testFolder } from '../testing/apogee-process.ts'
import { RawClient } from '../testing/raw-client.ts'

const TOPIC = 'orders'

interface TestBroker {
  run: ApogeeProcess
  address: string
  store: string
}

async function serveBroker(
  t: TestContext,
  namesrv: string,
  name: string,
  store: string = join(testFolder(t), 'store'),
): Promise<TestBroker> {
  const run = await ApogeeProcess.serve(t, [
    'broker',
    '--port',
    '0',
    '-n',
    namesrv,
    '--store',
    store,
    '--set',
    `brokerName=${name}`,
  ])
  return { run, address: `127.0.0.1:${run.ports.broker}`, store }
}

/** Sends to every broker of the route, a few at a time, and looks at the route often. */
class RouteFollower {
  readonly acknowledged = new Map<string, Set<string>>()
  readonly failures: string[] = []
  private readonly client = new RawClient()
  private readonly namesrv: string
  private addresses: string[] = []
  private sent = 0
  private isOver = false
  private readonly tasks: Promise<void>[] = []

  constructor(namesrv: string) {
    this.namesrv = namesrv
  }

  async start(): Promise<void> {
    await this.look()
    this.tasks.push(this.lookAgain())
    for (let i = 0; i < 16; i++) this.tasks.push(this.sendOn())
  }

  async stop(): Promise<void> {
    this.isOver = true
    await Promise.all(this.tasks)
    await this.client.close()
  }

  get count(): number {
    return this.sent
  }

  private async look(): Promise<void> {
    this.addresses = await this.client.route(this.namesrv, TOPIC)
  }

  private async lookAgain(): Promise<void> {
    while (!this.isOver) {
      await sleep(20)
      await this.look()
    }
  }

  private async sendOn(): Promise<void> {
    while (!this.isOver) {
      const number = this.sent++
      const address = this.addresses[number % this.addresses.length]
      if (address === undefined) {
        this.failures.push('no route')
        return
      }
      const body = `message ${number}`
      try {
        const { code, remark } = await this.client.send(address, TOPIC, body)
        if (code === ResponseCode.SUCCESS) this.taken(address, body)
        else this.failures.push(`${address}: ${code} ${remark}`)
      } catch (error) {
        this.failures.push(String(error))
      }
    }
  }

  private taken(address: string, body: string): void {
    const bodies = this.acknowledged.get(address) ?? new Set<string>()
    this.acknowledged.set(address, bodies.add(body))
  }
}

test('TERM under load: who follows routes sees no error, nothing acknowledged is lost, exit 0', async (t) => {
  const nameServer = await ApogeeProcess.serve(t, ['namesrv', '--port', '0'])
  const namesrv = `127.0.0.1:${nameServer.ports.namesrv}`
  const [a, b] = await Promise.all([
    serveBroker(t, namesrv, 'broker-a'),
    serveBroker(t, namesrv, 'broker-b'),
  ])
  const seeds = new RawClient()
  for (const { address } of [a, b]) await seeds.send(address, TOPIC, 'seed')
  while ((await seeds.route(namesrv, TOPIC)).length < 2) await sleep(10)

  const follower = new RouteFollower(namesrv)
  await follower.start()
  await sleep(300)
  ok(existsSync(join(a.store, 'abort')))
  const before = follower.count
  a.run.kill('SIGTERM')
  const readiness = fetch(`http://127.0.0.1:${a.run.ports.http}/readyz`)
  equal((await readiness).status, 503)
  equal(await a.run.ended, 0)
  await sleep(100)
  await follower.stop()
  deepEqual(follower.failures, [])
  ok(follower.count > before)
  ok(!existsSync(join(a.store, 'abort')))
  equal(a.run.events('shutdown_finished')[0]?.['clean'], true)

  const again = await serveBroker(t, namesrv, 'broker-a', a.store)
  equal(again.run.events('store_open')[0]?.['crashed'], false)
  const stored = new Set(await seeds.pullAll(again.address, TOPIC))
  const acknowledged = follower.acknowledged.get(a.address)!
  ok(acknowledged.size > 10)
  deepEqual(
    [...acknowledged].filter((body) => !stored.has(body)),
    [],
  )
  await seeds.close()
})

test('a signal before the start is done ends it with 143, and leaves the store clean', async (t) => {
  const store = join(testFolder(t), 'store')
  // It waits a little for a NameServer that is not there.
  const args = ['broker', '--port', '0', '-n', '127.0.0.1:1', '--store', store]
  const run = new ApogeeProcess([...args, '--log-format', 'json'])
  await run.event('store_open')
  run.kill('SIGTERM')
  equal(await run.ended, 143)
  equal(run.events('boot_success').length, 0)
  ok(!existsSync(join(store, 'abort')))
})

test('a store that cannot be closed ends TERM with 1, and the next start recovers it', async (t) => {
  const store = join(testFolder(t), 'store')
  const args = ['start', '--port', '0', '--namesrv-port', '0', '--store', store]
  const run = await ApogeeProcess.serve(t, args)
  const client = new RawClient()
  await client.send(`127.0.0.1:${run.ports.broker}`, TOPIC, 'one')
  const checkpoint = join(store, 'checkpoint')
  rmSync(checkpoint, { force: true })
  mkdirSync(checkpoint)
  run.kill('SIGTERM')
  equal(await run.ended, 1)
  const errors = run.log.filter(({ level }) => level === 50)
  deepEqual(
    errors.map(({ event }) => event),
    ['stop_failed'],
    run.everything(),
  )
  match(String(errors[0]?.['msg']), /not everything was written: the store .* EISDIR/)
  equal(run.events('shutdown_finished')[0]?.['clean'], false)
  ok(existsSync(join(store, 'abort')))

  rmSync(checkpoint, { recursive: true })
  const again = await ApogeeProcess.serve(t, args)
  equal(again.events('store_open')[0]?.['crashed'], true)
  deepEqual(await client.pullAll(`127.0.0.1:${again.ports.broker}`, TOPIC), ['one'])
  await client.close()
})

test('USR2 sends clients elsewhere and serves on; TERM then ends it', async (t) => {
  const nameServer = await ApogeeProcess.serve(t, ['namesrv', '--port', '0'])
  const namesrv = `127.0.0.1:${nameServer.ports.namesrv}`
  const { address, run } = await serveBroker(t, namesrv, 'broker-a')
  const client = new RawClient()
  await client.send(address, TOPIC, 'one')
  while ((await client.route(namesrv, TOPIC)).length < 1) await sleep(10)
  run.kill('SIGUSR2')
  await nameServer.event('broker_unregistered')
  equal((await fetch(`http://127.0.0.1:${run.ports.http}/readyz`)).status, 503)
  equal((await client.send(address, TOPIC, 'two')).code, ResponseCode.SUCCESS)
  deepEqual(await client.route(namesrv, TOPIC), [])
  run.kill('SIGTERM')
  equal(await run.ended, 0)
  await client.close()
})

test('a long poll is answered before the end; a second signal forces', async (t) => {
  const store = join(testFolder(t), 'store')
  const args = ['start', '--port', '0', '--namesrv-port', '0', '--store', store]
  const polite = await ApogeeProcess.serve(t, args)
  const address = `127.0.0.1:${polite.ports.broker}`
  const client = new RawClient()
  await client.send(address, TOPIC, 'one')
  const waiting = client.pull(address, TOPIC, 1, 15_000)
  await client.send(address, TOPIC, 'two')
  equal((await waiting).code, ResponseCode.SUCCESS)
  const parked = client.pull(address, TOPIC, 2, 15_000)
  await sleep(50)
  polite.kill('SIGTERM')
  equal((await parked).code, ResponseCode.PULL_NOT_FOUND)
  equal(await polite.ended, 0)
  await client.close()

  // Traffic that does not end keeps it lingering: the second signal finds it still there.
  const busy = await ApogeeProcess.serve(t, [...args, '--set', 'drainLingerMillis=20000'])
  const chatty = new RawClient()
  const chat = sendForEver(chatty, `127.0.0.1:${busy.ports.broker}`)
  await sleep(100)
  busy.kill('SIGTERM')
  await sleep(600)
  busy.kill('SIGTERM')
  equal(await busy.ended, 1)
  await chat
  equal(busy.events('shutdown_forced').length, 1)
  await chatty.close()
})

/** Until the connection is lost. */
async function sendForEver(client: RawClient, address: string): Promise<void> {
  try {
    for (;;) await client.send(address, TOPIC, 'x')
  } catch {
    // The broker is gone: what was waited for.
  }
}
