import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { nodeEnv } from '@apogee/env/node'
import { RequestCode, ResponseCode } from '@apogee/protocol'
import {
  HandlerRegistry,
  handler,
  RemotingClient,
  RemotingServer,
  type RemotingServerOptions,
  silentLogger,
  succeedWith,
  success,
  tlsIdentityFromFiles,
} from './mod.ts'
import { diskWith, pem } from './test-files.ts'
import { frameOf } from './test-support.ts'

const env = nodeEnv()
const log = silentLogger
const EchoHeader = { name: 'string', count: 'int?' } as const

const echo = handler({
  code: RequestCode.GET_KV_CONFIG,
  lane: 'route',
  permission: 'client',
  header: EchoHeader,
  handle: (request) => succeedWith(EchoHeader, request.header, Buffer.from(request.body)),
})

async function withServer(
  registry: HandlerRegistry,
  use: (address: string, server: RemotingServer) => Promise<void>,
  options: Partial<RemotingServerOptions> = {},
): Promise<void> {
  const server = new RemotingServer(
    { host: '127.0.0.1', port: 0, ...options },
    { env, registry, log },
  )
  const port = await server.start()
  try {
    await use(`127.0.0.1:${port}`, server)
  } finally {
    await server.stop(1_000)
  }
}

test('over real sockets, requests of both header forms are answered', async () => {
  await withServer(new HandlerRegistry().add(echo), async (address, server) => {
    for (const serializeType of [0, 1] as const) {
      const client = new RemotingClient({ serializeType }, { env, log })
      const body = Buffer.alloc(300_000, serializeType)
      const calls = Array.from({ length: 20 }, (_, i) => {
        const fields = new Map([['name', `n${i}`]])
        return client.invoke(address, { code: echo.code, fields, body }, 5_000)
      })
      const responses = await Promise.all(calls)
      for (const [i, response] of responses.entries()) {
        equal(response.code, ResponseCode.SUCCESS)
        deepEqual(response.fields, new Map([['name', `n${i}`]]))
        equal(response.body.equals(body), true)
      }
      equal(server.connections.size, 1)
      await client.close()
    }
  })
})

test('over real sockets, a refused connection and a taken port are coded errors', async () => {
  await withServer(new HandlerRegistry(), async (address, server) => {
    const port = Number(address.split(':')[1])
    const second = new RemotingServer(
      { host: '127.0.0.1', port },
      { env, log, registry: new HandlerRegistry() },
    )
    await rejects(second.start(), { code: 'REMOTING_BIND_FAILED' })
    await server.stop(100)
    const client = new RemotingClient({}, { env, log })
    await rejects(client.invoke(address, { code: 1 }, 2_000), { code: 'REMOTING_CONNECT_FAILED' })
    await client.close()
  })
})

test('over real sockets, a client that never reads is closed while an honest one is served', async () => {
  const big = handler({
    ...echo,
    code: RequestCode.GET_BROKER_CONFIG,
    header: {},
    handle: () => success(Buffer.alloc(100_000)),
  })
  const options = { outputPauseBytes: 1_000_000, outputStalledMs: 300 }
  const use = async (address: string, server: RemotingServer): Promise<void> => {
    const port = Number(address.split(':')[1])
    const greedy = env.net.connect({ host: '127.0.0.1', port })
    const closed = new Promise<void>((resolve) => {
      greedy.events = { data() {}, drained() {}, closed: () => resolve() }
    })
    greedy.pause()
    // 100 MB of answers: far more than the kernel's buffers hold.
    for (let opaque = 0; opaque < 1_000; opaque++) {
      greedy.write(frameOf({ code: big.code, opaque }))
    }
    const client = new RemotingClient({}, { env, log })
    const pending: number[] = []
    while (server.connections.size === 0 || server.closings.get('output_stalled') === undefined) {
      const fields = new Map([['name', 'n']])
      equal((await client.invoke(address, { code: echo.code, fields }, 5_000)).code, 0)
      for (const connection of server.connections) pending.push(connection.pendingOutput)
    }
    ok(Math.max(...pending) < 1_300_000, `${Math.max(...pending)} bytes were pending`)
    greedy.resume()
    await closed
    await client.close()
  }
  await withServer(new HandlerRegistry().add(echo, big), use, options)
})

test('over real sockets, the server asks its clients and hears when they leave', async () => {
  const hello = handler({
    ...echo,
    code: RequestCode.GET_CONSUMER_RUNNING_INFO,
    header: {},
    handle: (request) => success(Buffer.concat([Buffer.from('hello '), request.body])),
  })
  await withServer(new HandlerRegistry().add(echo), async (address, server) => {
    const registry = new HandlerRegistry().add(hello)
    const client = new RemotingClient({}, { env, log, registry })
    const fields = new Map([['name', 'n']])
    await client.invoke(address, { code: echo.code, fields }, 5_000)
    const [connection] = server.connections
    const heard = await new Promise<string>((resolve, reject) => {
      const body = Buffer.from('client')
      connection!.request(hello.code, null, body, 5_000, (error, response) => {
        if (error !== null) reject(error)
        else resolve(response!.body.toString())
      })
    })
    equal(heard, 'hello client')
    const left = new Promise<void>((resolve) => connection!.onClose(resolve))
    await client.close()
    await left
    equal(server.connections.size, 0)
  })
})

test('over real sockets, plain and TLS clients share a port and certificates change under them', async () => {
  const files = new Map<string, string>()
  const load = (name: string): void => {
    for (const kind of ['key', 'cert']) files.set(`/${kind}`, pem(`${name}-${kind}`))
  }
  load('first')
  const deps = { disk: diskWith(files), log }
  const identity = tlsIdentityFromFiles({ key: '/key', cert: '/cert' }, deps)
  const fields = new Map([['name', 'n']])
  const use = async (address: string): Promise<void> => {
    const trusting = (name: string): RemotingClient =>
      new RemotingClient(
        { tls: { ca: pem(`${name}-cert`), servername: 'localhost' } },
        { env, log },
      )
    const call = async (client: RemotingClient): Promise<number> =>
      (await client.invoke(address, { code: echo.code, fields }, 5_000)).code
    const clients = [new RemotingClient({}, { env, log }), trusting('first'), trusting('second')]
    const [plain, first, second] = clients
    equal(await call(plain!), 0)
    equal(await call(first!), 0)
    await rejects(call(second!), { code: 'REMOTING_CONNECT_FAILED' })
    load('second')
    equal(identity.reload(), true)
    equal(await call(second!), 0)
    equal(await call(first!), 0)
    for (const client of clients) await client.close()
  }
  await withServer(new HandlerRegistry().add(echo), use, { tls: identity.current })
})
