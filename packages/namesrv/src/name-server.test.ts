import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { isMalformed } from '@apogee/base'
import { nodeEnv } from '@apogee/env/node'
import {
  type ExtFields,
  encodeRegisterBrokerBody,
  Frame,
  FrameScanner,
  RequestCode,
} from '@apogee/protocol'
import {
  HandlerRegistry,
  handler,
  RemotingClient,
  RemotingServer,
  silentLogger,
  success,
} from '@apogee/remoting'
import type { NamesrvConfig } from './config/config-table.ts'
import { NameServer } from './name-server.ts'
import { brokerBody, registerFields } from './testing/broker-body.ts'
import { goldenFrame } from './testing/golden-frames.ts'
import { RawClient } from './testing/raw-client.ts'

const env = nodeEnv()
const log = silentLogger
const HOST = '127.0.0.1'

interface Running {
  server: NameServer
  port: number
  raw: () => RawClient
  client: RemotingClient
  address: string
}

async function withServer(
  config: Partial<NamesrvConfig>,
  use: (running: Running) => Promise<void>,
): Promise<void> {
  const server = new NameServer({ listenPort: 0, ...config }, { env, log })
  const { port } = await server.start()
  const client = new RemotingClient({}, { env, log })
  const raws: RawClient[] = []
  const raw = (): RawClient => {
    const one = new RawClient(env.net, HOST, port)
    raws.push(one)
    return one
  }
  try {
    await use({ server, port, raw, client, address: `${HOST}:${port}` })
  } finally {
    for (const one of raws) one.destroy()
    await client.close()
    await server.stop(1_000)
  }
}

/** What a recorded answer says. */
function recorded(name: string): { body: string; fields: ExtFields } {
  const scanner = new FrameScanner()
  const frame = new Frame()
  scanner.push(goldenFrame(name))
  const found = scanner.next(frame)
  assert(!isMalformed(found) && found, name)
  const fields = frame.fields()
  assert(!isMalformed(fields), name)
  return { body: frame.body().toString(), fields }
}

test('Apache’s broker registers, and Java clients and mqadmin get the bytes that Apache’s NameServer gives', () =>
  withServer({}, async ({ raw }) => {
    const broker = raw()
    const registered = await broker.ask(goldenFrame('broker-5.5.0/103-REGISTER_BROKER-req'))
    assert.deepEqual([registered.code, registered.fields.size, registered.body.length], [0, 0, 0])
    const reader = raw()
    for (const name of [
      'java-4.9.8/105-GET_ROUTEINFO_BY_TOPIC',
      'broker-5.5.0/106-GET_BROKER_CLUSTER_INFO',
    ]) {
      const answer = await reader.ask(goldenFrame(`${name}-req`))
      assert.equal(answer.code, 0, name)
      assert.equal(answer.body.toString(), recorded(`${name}-res`).body, name)
    }
    const unknown = await reader.ask(goldenFrame('mqadmin-5.5.0/105-GET_ROUTEINFO_BY_TOPIC-req'))
    assert.equal(unknown.code, 17)
    const left = await broker.ask(goldenFrame('broker-5.5.0/104-UNREGISTER_BROKER-req'))
    assert.equal(left.code, 0)
    const gone = await reader.ask(goldenFrame('java-4.9.8/105-GET_ROUTEINFO_BY_TOPIC-req'))
    assert.equal(gone.code, 17)
  }))

test('mqadmin’s requests are understood, in both forms of the header', () =>
  withServer({}, async ({ raw }) => {
    const admin = raw()
    await admin.ask(goldenFrame('broker-5.5.0/103-REGISTER_BROKER-req'))
    const ask = (name: string): Promise<{ code: number; fields: Map<string, string> }> =>
      admin.ask(goldenFrame(`mqadmin-5.5.0/${name}-req`))
    assert.equal((await ask('100-PUT_KV_CONFIG')).code, 0)
    const value = recorded('mqadmin-5.5.0/101-GET_KV_CONFIG-res').fields
    assert.deepEqual((await ask('101-GET_KV_CONFIG')).fields, value)
    assert.equal((await ask('102-DELETE_KV_CONFIG')).code, 0)
    assert.equal((await ask('101-GET_KV_CONFIG')).code, 22)
    const wiped = (await ask('205-WIPE_WRITE_PERM_OF_BROKER')).fields.get('wipeTopicCount')
    const added = (await ask('327-ADD_WRITE_PERM_OF_BROKER')).fields.get('addTopicCount')
    assert(Number(wiped) > 10 && wiped === added)
    for (const name of [
      '206-GET_ALL_TOPIC_LIST_FROM_NAMESERVER',
      '216-DELETE_TOPIC_IN_NAMESRV',
      '318-UPDATE_NAMESRV_CONFIG',
      '319-GET_NAMESRV_CONFIG',
    ]) {
      assert.equal((await ask(name)).code, 0, name)
    }
    const binary = 'java-5.5.0-binary/105-GET_ROUTEINFO_BY_TOPIC-req'
    assert.equal((await admin.ask(goldenFrame(binary))).code, 0)
  }))

test('a killed broker is gone from the routes at once', () =>
  withServer({}, async ({ raw, client, address }) => {
    const broker = raw()
    await broker.ask(goldenFrame('broker-5.5.0/103-REGISTER_BROKER-req'))
    const fields = new Map([['topic', 'TBW102']])
    const ask = async (): Promise<number> => {
      const request = { code: RequestCode.GET_ROUTEINFO_BY_TOPIC, fields }
      return (await client.invoke(address, request, 2_000)).code
    }
    assert.equal(await ask(), 0)
    broker.destroy()
    // The loss is an event of its own: it may be seen after a question that was sent before it.
    let code = await ask()
    for (let tries = 0; code === 0 && tries < 1_000; tries++) code = await ask()
    assert.equal(code, 17)
  }))

test('the KV config survives a restart; a broken file stops the start', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'apogee-namesrv-'))
  const kvConfigPath = join(folder, 'kvConfig.json')
  const get = { code: RequestCode.GET_KV_CONFIG }
  try {
    await withServer({ kvConfigPath }, async ({ client, address }) => {
      const fields = new Map([
        ['namespace', 'n'],
        ['key', 'k'],
        ['value', 'ü'],
      ])
      const put = { code: RequestCode.PUT_KV_CONFIG, fields }
      assert.equal((await client.invoke(address, put, 2_000)).code, 0)
    })
    assert.equal(readFileSync(kvConfigPath, 'utf8'), '{"configTable":{"n":{"k":"ü"}}}')
    await withServer({ kvConfigPath }, async ({ client, address }) => {
      const fields = new Map([
        ['namespace', 'n'],
        ['key', 'k'],
      ])
      const found = await client.invoke(address, { ...get, fields }, 2_000)
      assert.equal(found.fields.get('value'), 'ü')
    })
    writeFileSync(kvConfigPath, '{"configTable":')
    const broken = new NameServer({ listenPort: 0, kvConfigPath }, { env, log })
    await assert.rejects(broken.start(), { code: 'CONFIG_FILE_DAMAGED' })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('changes at runtime go into the configuration file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'apogee-namesrv-'))
  const configStorePath = join(folder, 'namesrv.conf')
  try {
    writeFileSync(configStorePath, '# mine\nlistenPort=9876\n')
    await withServer({ configStorePath }, async ({ client, address, server }) => {
      const body = Buffer.from('supportActingMaster=true')
      const update = { code: RequestCode.UPDATE_NAMESRV_CONFIG, body }
      assert.equal((await client.invoke(address, update, 2_000)).code, 0)
      assert.equal(server.config.supportActingMaster, true)
    })
    const expected = '# mine\nlistenPort=9876\nsupportActingMaster=true\n'
    assert.equal(readFileSync(configStorePath, 'utf8'), expected)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the brokers of a group are told when its lowest id goes', () =>
  withServer({ notifyMinBrokerIdChanged: true }, async ({ client, address }) => {
    const told = Promise.withResolvers<Map<string, string>>()
    const slaveRegistry = new HandlerRegistry().add(
      handler({
        code: RequestCode.NOTIFY_MIN_BROKER_ID_CHANGE,
        lane: 'admin',
        permission: 'admin',
        header: {},
        handle(request) {
          told.resolve(request.fields)
          return success()
        },
      }),
    )
    const slave = new RemotingServer({ host: HOST, port: 0 }, { env, registry: slaveRegistry, log })
    const slaveAddr = `${HOST}:${await slave.start()}`
    const register = async (brokerAddr: string, brokerId: string): Promise<void> => {
      const more = { brokerId, enableActingMaster: 'true' }
      const fields = new Map(Object.entries(registerFields('a', brokerAddr, more)))
      const body = encodeRegisterBrokerBody(brokerBody(['T1', 'T2']), true)
      fields.set('compressed', 'true')
      const request = { code: RequestCode.REGISTER_BROKER, fields, body }
      assert.equal((await client.invoke(address, request, 2_000)).code, 0)
    }
    try {
      await register('127.0.0.1:1', '0')
      await register(slaveAddr, '1')
      const fields = new Map(Object.entries(registerFields('a', '127.0.0.1:1')))
      await client.invoke(address, { code: RequestCode.UNREGISTER_BROKER, fields }, 2_000)
      assert.deepEqual(Object.fromEntries(await told.promise), {
        minBrokerId: '1',
        minBrokerAddr: slaveAddr,
        offlineBrokerAddr: '127.0.0.1:1',
      })
    } finally {
      await slave.stop(1_000)
    }
  }))

test('a code that no NameServer has is answered with 3, a header without its fields with 1', () =>
  withServer({}, async ({ client, address }) => {
    const unknown = await client.invoke(address, { code: RequestCode.SEND_MESSAGE }, 2_000)
    assert.equal(unknown.code, 3)
    const empty = await client.invoke(address, { code: RequestCode.GET_ROUTEINFO_BY_TOPIC }, 2_000)
    assert.equal(empty.code, 1)
  }))

test('a taken port is a coded error; stop twice is stop once', () =>
  withServer({}, async ({ port, server }) => {
    const second = new NameServer({ listenPort: port }, { env, log })
    await assert.rejects(second.start(), { code: 'REMOTING_BIND_FAILED' })
    await second.stop(0)
    await Promise.all([server.stop(1_000), server.stop(1_000)])
  }))
