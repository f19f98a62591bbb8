import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { nodeEnv } from '@apogee/env/node'
import { RequestCode, ResponseCode } from '@apogee/protocol'
import {
  HandlerRegistry,
  handler,
  RemotingClient,
  RemotingServer,
  silentLogger,
  succeedWith,
} from './mod.ts'

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
): Promise<void> {
  const server = new RemotingServer({ host: '127.0.0.1', port: 0 }, { env, registry, log })
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
