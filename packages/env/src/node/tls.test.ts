import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect as connectRaw } from 'node:net'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ConnectOptions, ListenOptions, TlsIdentity } from '../ports.ts'
import type { Harness } from '../testing/compliance/harness.ts'
import { type Server, serve, type Watched, watch } from '../testing/compliance/net.ts'
import { nodeEnv } from './mod.ts'
import { NodeNet } from './net.ts'

const pem = (name: string): string =>
  readFileSync(new URL(`./testdata/${name}.pem`, import.meta.url), 'utf8')
const identity = (name: string, more: Partial<TlsIdentity> = {}): TlsIdentity => ({
  key: pem(`${name}-key`),
  cert: pem(`${name}-cert`),
  ...more,
})
const trusting = (name: string): NonNullable<ConnectOptions['tls']> => ({ ca: pem(`${name}-cert`) })

const harness: Harness = {
  env: nodeEnv(),
  root: '/',
  async until(reached) {
    const endMs = performance.now() + 5_000
    while (!reached()) {
      if (performance.now() > endMs) throw new Error('waited for too long')
      await sleep(1)
    }
  },
  pass: (durationMs) => sleep(durationMs),
  dispose() {},
}

/** A listener that sends back what it gets. */
function echoing(options: Partial<ListenOptions>): Promise<Server> {
  return serve(harness, options, (watched) => {
    const {
      socket,
      socket: { events },
    } = watched
    socket.events = {
      ...events,
      data(bytes) {
        events.data(bytes)
        socket.write(bytes)
      },
    }
  })
}

function connect(server: Server, tls?: ConnectOptions['tls']): Watched {
  const options = { host: '127.0.0.1', port: server.port }
  return watch(harness.env.net.connect(tls === undefined ? options : { ...options, tls }))
}

async function closeAll(server: Server, ...clients: Watched[]): Promise<void> {
  for (const client of clients) client.socket.destroy()
  await harness.until(() => server.accepted.every((socket) => socket.closed.length === 1))
  server.listener.close()
}

const codeOf = (error: Error | null | undefined): unknown =>
  (error as (Error & { code?: string }) | null)?.code

test('one port serves TLS and plain text, told apart by the first byte', async () => {
  const server = await echoing({ tls: () => shared })
  const plain = connect(server)
  const secure = connect(server, trusting('server'))
  plain.socket.write(Buffer.from('plain'))
  secure.socket.write(Buffer.from('secret'))
  await harness.until(() => plain.text === 'plain' && secure.text === 'secret')
  assert.equal(secure.connected, 1)
  assert.deepEqual([plain.socket.encrypted, secure.socket.encrypted], [false, true])
  const byText = new Map(server.accepted.map((socket) => [socket.text, socket.socket.encrypted]))
  assert.deepEqual([byText.get('plain'), byText.get('secret')], [false, true])
  secure.socket.write(Buffer.alloc(1_000_000))
  await harness.until(() => secure.bytes === 1_000_006)
  secure.socket.end()
  await harness.until(() => secure.closed.length === 1)
  assert.deepEqual(secure.closed, [null])
  await closeAll(server, plain)
})
const shared = identity('server')

test('a new identity is used from the next connection on; open ones stay', async () => {
  let current = identity('server')
  const server = await echoing({ tls: () => current })
  const before = connect(server, trusting('server'))
  await harness.until(() => before.connected === 1)
  current = identity('other')
  const after = connect(server, trusting('other'))
  const mistaken = connect(server, trusting('server'))
  after.socket.write(Buffer.from('new'))
  before.socket.write(Buffer.from('old'))
  await harness.until(() => after.text === 'new' && before.text === 'old')
  await harness.until(() => mistaken.closed.length === 1)
  assert.equal(codeOf(mistaken.closed[0]), 'DEPTH_ZERO_SELF_SIGNED_CERT')
  assert.equal(mistaken.connected, 0)
  await closeAll(server, before, after)
})

test('a required client certificate must be there and be trusted', async () => {
  const wanted = identity('server', { ca: pem('client-cert'), requireClientCert: true })
  const server = await echoing({ tls: () => wanted })
  const own = (name: string) => ({ key: pem(`${name}-key`), cert: pem(`${name}-cert`) })
  const known = connect(server, { ...trusting('server'), ...own('client') })
  const stranger = connect(server, { ...trusting('server'), ...own('stranger') })
  const nobody = connect(server, trusting('server'))
  for (const client of [known, stranger, nobody]) client.socket.write(Buffer.from('hello'))
  await harness.until(() => known.text === 'hello')
  await harness.until(() => stranger.closed.length === 1 && nobody.closed.length === 1)
  assert.deepEqual([stranger.text, nobody.text], ['', ''])
  await harness.until(() => server.accepted.filter((one) => one.closed.length === 1).length === 2)
  assert.equal(server.accepted.filter((one) => one.text === 'hello').length, 1)
  await closeAll(server, known)
})

test('a handshake that stops is ended in time, and one of rubbish at once', async () => {
  const server = await echoing({ tls: () => shared, tlsHandshakeTimeoutMs: 100 })
  const silent = connectRaw(server.port, '127.0.0.1', () => silent.write(Buffer.from([0x16])))
  await harness.until(() => server.accepted[0]?.closed.length === 1)
  assert.equal(codeOf(server.accepted[0]?.closed[0]), 'ERR_TLS_HANDSHAKE_TIMEOUT')
  const rubbish = connectRaw(server.port, '127.0.0.1', () => rubbish.write(Buffer.alloc(100, 0x16)))
  rubbish.on('error', () => {})
  await harness.until(() => server.accepted[1]?.closed.length === 1)
  assert.match(String(codeOf(server.accepted[1]?.closed[0])), /SSL/)
  const gone = connectRaw(server.port, '127.0.0.1', () => {
    gone.write(Buffer.from([0x16, 3, 1]), () => gone.resetAndDestroy())
  })
  await harness.until(() => server.accepted[2]?.closed.length === 1)
  for (const { bytes, closed } of server.accepted) assert.deepEqual([bytes, closed.length], [0, 1])
  await closeAll(server)
})

test('a key that does not fit refuses its client and nobody else', async () => {
  const broken = { key: pem('other-key'), cert: pem('server-cert') }
  const server = await echoing({ tls: () => broken })
  const secure = connect(server, trusting('server'))
  await harness.until(() => secure.closed.length === 1)
  const plain = connect(server)
  plain.socket.write(Buffer.from('fine'))
  await harness.until(() => plain.text === 'fine')
  await closeAll(server, plain)
})

test('handshakes at once have a limit, and finished ones make room', async () => {
  const net = new NodeNet({ tlsHandshakesMax: 2 })
  const limited = { ...harness, env: { ...harness.env, net } }
  const server = await serve(limited, { tls: () => shared, tlsHandshakeTimeoutMs: 300 })
  const stuck = [1, 2].map(() => {
    const socket = connectRaw(server.port, '127.0.0.1', () => socket.write(Buffer.from([0x16])))
    return socket
  })
  await harness.until(() => server.accepted.length === 2)
  await sleep(20)
  const third = connect(server, trusting('server'))
  await harness.until(() => third.closed.length === 1)
  assert.equal(codeOf(server.accepted[2]?.closed[0]), 'EBUSY')
  await harness.until(() => server.accepted.every((socket) => socket.closed.length === 1))
  for (let i = 0; i < 4; i++) {
    const client = connect(server, trusting('server'))
    await harness.until(() => client.connected === 1)
  }
  for (const socket of stuck) socket.destroy()
  for (const { socket } of server.accepted) socket.destroy()
  await closeAll(server)
})

test('an IPv4 peer of an IPv6 listener has its IPv4 address', async () => {
  const server = await echoing({ host: '::' })
  const client = connect(server)
  await harness.until(() => server.accepted.length === 1)
  assert.equal(server.accepted[0]?.socket.remoteAddress, '127.0.0.1')
  assert.equal(server.accepted[0]?.socket.localAddress, '127.0.0.1')
  await closeAll(server, client)
})

test('a peer that never closes its side is let go after the linger time', async () => {
  const net = new NodeNet({ lingerMs: 50 })
  const server = await serve({ ...harness, env: { ...harness.env, net } })
  const peer = connectRaw({ host: '127.0.0.1', port: server.port, allowHalfOpen: true })
  await harness.until(() => server.accepted.length === 1)
  server.accepted[0]?.socket.end()
  await harness.until(() => server.accepted[0]?.closed.length === 1)
  peer.destroy()
  await closeAll(server)
})

test('a connect that gets no answer in time fails with ETIMEDOUT', async () => {
  // A listener that takes the connection but never speaks TLS.
  const server = await serve(harness)
  const options = { host: '127.0.0.1', port: server.port, timeoutMs: 50, tls: trusting('server') }
  const client = watch(harness.env.net.connect(options))
  await harness.until(() => client.closed.length === 1)
  assert.deepEqual([codeOf(client.closed[0]), client.connected], ['ETIMEDOUT', 0])
  await closeAll(server)
})

test('a reset by the peer is told as ECONNRESET', async () => {
  const server = await serve(harness)
  const peer = connectRaw(server.port, '127.0.0.1')
  await harness.until(() => server.accepted.length === 1)
  peer.resetAndDestroy()
  await harness.until(() => server.accepted[0]?.closed.length === 1)
  assert.equal(codeOf(server.accepted[0]?.closed[0]), 'ECONNRESET')
  await closeAll(server)
})
