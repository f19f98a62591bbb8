import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Env } from '@apogee/env'
import { SimWorld } from '@apogee/env/sim'
import { encodeRegisterBrokerBody, RequestCode } from '@apogee/protocol'
import { RemotingClient, type Response, silentLogger } from '@apogee/remoting'
import { NameServer } from './name-server.ts'
import { brokerBody, registerFields } from './testing/broker-body.ts'

const log = silentLogger
const NAMESRV = '10.0.0.1'
const ADDRESS = `${NAMESRV}:9876`
const CONFIG = { bindAddress: NAMESRV, kvConfigPath: '/var/namesrv/kvConfig.json' }

/** A NameServer, a broker and a client, each on a machine of its own. */
class Cluster {
  readonly world: SimWorld
  private readonly client: RemotingClient

  constructor(seed: number) {
    this.world = new SimWorld(seed)
    this.client = new RemotingClient({}, { env: this.world.host('10.0.0.9').boot(), log })
  }

  /** Lets time pass until the work is done. */
  finish<T>(work: Promise<T>): Promise<T> {
    return this.world.clock.settle(work, () => setImmediate(), 10_000)
  }

  pass(ms: number): Promise<void> {
    return this.world.clock.runForAsync(ms, () => setImmediate())
  }

  async startNameServer(): Promise<void> {
    const server = new NameServer(CONFIG, { env: this.world.host(NAMESRV).boot(), log })
    await this.finish(server.start())
  }

  async startBroker(more: Record<string, string> = {}): Promise<void> {
    const env: Env = this.world.host('10.0.0.2').boot()
    const broker = new RemotingClient({}, { env, log })
    const fields = new Map(Object.entries(registerFields('a', '10.0.0.2:10911', more)))
    const body = encodeRegisterBrokerBody(brokerBody(['T1', 'T2']), false)
    const request = { code: RequestCode.REGISTER_BROKER, fields, body }
    assert.equal((await this.finish(broker.invoke(ADDRESS, request, 3_000))).code, 0)
  }

  ask(code: number, fields: Record<string, string>): Promise<Response> {
    const request = { code, fields: new Map(Object.entries(fields)) }
    return this.finish(this.client.invoke(ADDRESS, request, 3_000))
  }

  async hasRoute(): Promise<boolean> {
    const { code } = await this.ask(RequestCode.GET_ROUTEINFO_BY_TOPIC, { topic: 'T1' })
    assert(code === 0 || code === 17, `${code}`)
    return code === 0
  }
}

test('a killed broker is out of the routes at once', async () => {
  const cluster = new Cluster(1)
  await cluster.startNameServer()
  await cluster.startBroker()
  assert(await cluster.hasRoute())
  cluster.world.host('10.0.0.2').kill()
  await cluster.pass(100)
  assert.equal(await cluster.hasRoute(), false)
})

test('a broker whose machine dies is out of the routes after its own timeout, by the next scan', async () => {
  const cluster = new Cluster(2)
  await cluster.startNameServer()
  await cluster.startBroker({ heartbeatTimeoutMillis: '30000' })
  cluster.world.host('10.0.0.2').cutPower()
  await cluster.pass(29_000)
  assert(await cluster.hasRoute())
  await cluster.pass(7_000)
  assert.equal(await cluster.hasRoute(), false)
})

test('a NameServer that loses power comes back without routes and with its KV config', async () => {
  const cluster = new Cluster(3)
  await cluster.startNameServer()
  await cluster.startBroker()
  const put = { namespace: 'ORDER_TOPIC_CONFIG', key: 'T1', value: 'a:4' }
  assert.equal((await cluster.ask(RequestCode.PUT_KV_CONFIG, put)).code, 0)
  cluster.world.host(NAMESRV).cutPower({ keep: 0, keepNames: 0 })
  await assert.rejects(cluster.hasRoute(), { code: 'REMOTING_TIMEOUT' })
  await cluster.startNameServer()
  // The machine that is back resets the connection that it knows nothing of.
  await assert.rejects(cluster.hasRoute(), { code: 'REMOTING_CLOSED' })
  assert.equal(await cluster.hasRoute(), false)
  const found = await cluster.ask(RequestCode.GET_KV_CONFIG, put)
  assert.equal(found.fields.get('value'), 'a:4')
  await cluster.startBroker()
  assert(await cluster.hasRoute())
})
