import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Listener, ListenOptions, Socket } from '../../ports.ts'
import type { Harness, MakeHarness } from './harness.ts'

const HOST = '127.0.0.1'

/** What every Net does. */
export function netCompliance(name: string, make: MakeHarness): void {
  const check = (title: string, run: (harness: Harness) => Promise<void>): void => {
    test(title, async () => {
      const harness = make()
      try {
        await run(harness)
      } finally {
        harness.dispose()
      }
    })
  }
  describe(`${name} net`, () => {
    check('bytes come back in order, and both ends close without error', echo)
    check('a listener has a real port and addresses are told', addresses)
    check('a reader that pauses makes the writer wait, and nothing is lost', backPressure)
    check('end sends what is queued first, and still hears the peer', endFlushes)
    check('destroy drops what waits, tells every sent, and closes both ends once', destroying)
    check('destroy hands its error to closed', destroyError)
    check('a write after the end is dropped', writeAfterEnd)
    check('a connection nobody takes fails with ECONNREFUSED', refused)
    check('a port is taken once', portTaken)
    check('a closed listener takes nobody, and open sockets stay', listenerClosed)
    check('a pause set at once holds the first bytes', pausedAtOnce)
  })
}

/** A socket, and all that happened to it. */
export interface Watched {
  socket: Socket
  text: string
  bytes: number
  connected: number
  drained: number
  closed: (Error | null)[]
}

export function watch(socket: Socket): Watched {
  const watched: Watched = { socket, text: '', bytes: 0, connected: 0, drained: 0, closed: [] }
  socket.events = {
    connected: () => watched.connected++,
    data(bytes) {
      assert.equal(watched.closed.length, 0, 'data after closed')
      watched.bytes += bytes.length
      if (watched.bytes < 10_000) watched.text += bytes.toString('latin1')
    },
    drained: () => watched.drained++,
    closed: (error) => watched.closed.push(error),
  }
  return watched
}

export interface Server {
  port: number
  listener: Listener
  accepted: Watched[]
}

/** A listener that watches what it accepts. */
export async function serve(
  harness: Harness,
  options: Partial<ListenOptions> = {},
  onAccept?: (socket: Watched) => void,
): Promise<Server> {
  let port = 0
  const accepted: Watched[] = []
  const accept = (socket: Socket): void => {
    const watched = watch(socket)
    accepted.push(watched)
    onAccept?.(watched)
  }
  const full = { host: HOST, port: 0, ...options }
  const listener = harness.env.net.listen(full, accept, (error, realPort) => {
    assert.equal(error, null)
    port = realPort
  })
  await harness.until(() => port !== 0)
  return { port, listener, accepted }
}

async function pair(harness: Harness): Promise<{ client: Watched; server: Watched; all: Server }> {
  const all = await serve(harness)
  const client = watch(harness.env.net.connect({ host: HOST, port: all.port }))
  await harness.until(() => client.connected === 1 && all.accepted.length === 1)
  return { client, server: all.accepted[0]!, all }
}

async function echo(harness: Harness): Promise<void> {
  const all = await serve(harness, {}, (watched) => {
    const { socket } = watched
    socket.events = { ...socket.events, data: (bytes) => void socket.write(bytes) }
  })
  const client = watch(harness.env.net.connect({ host: HOST, port: all.port }))
  const total = 3_000_000
  const sent = Buffer.alloc(total)
  for (let i = 0; i < total; i++) sent[i] = (i * 31) >> 3
  const received: Buffer[] = []
  client.socket.events = {
    ...client.socket.events,
    data(bytes) {
      received.push(bytes)
      client.bytes += bytes.length
    },
  }
  for (let at = 0; at < total; at += 70_001) client.socket.write(sent.subarray(at, at + 70_001))
  await harness.until(() => client.bytes >= total)
  assert.ok(Buffer.concat(received).equals(sent))
  client.socket.end()
  await harness.until(() => client.closed.length > 0 && all.accepted[0]!.closed.length > 0)
  await harness.pass(20)
  assert.deepEqual([client.closed, all.accepted[0]!.closed], [[null], [null]])
  all.listener.close()
}

async function addresses(harness: Harness): Promise<void> {
  const { client, server, all } = await pair(harness)
  assert.ok(all.port > 0)
  assert.equal(all.listener.port, all.port)
  assert.deepEqual(
    [client.socket.remoteAddress, client.socket.remotePort, client.socket.localAddress],
    [HOST, all.port, HOST],
  )
  assert.deepEqual(
    [server.socket.localAddress, server.socket.localPort, server.socket.remoteAddress],
    [HOST, all.port, HOST],
  )
  assert.equal(server.socket.remotePort, client.socket.localPort)
  assert.equal(client.socket.encrypted || server.socket.encrypted, false)
  client.socket.destroy()
  await harness.until(() => server.closed.length === 1)
  all.listener.close()
}

async function backPressure(harness: Harness): Promise<void> {
  const { client, server, all } = await pair(harness)
  server.socket.pause()
  const chunk = Buffer.alloc(100_000, 7)
  let count = 0
  let sent = 0
  let more = true
  while (more && count < 1000) {
    more = client.socket.write(chunk, () => sent++)
    count++
  }
  assert.equal(more, false)
  assert.ok(client.socket.pendingBytes >= 1024 * 1024)
  await harness.pass(50)
  // Kernels differ in what they take; what is still ours stays put while nobody reads.
  while (client.socket.pendingBytes === 0 && count < 1000) {
    for (let i = 0; i < 20; i++) client.socket.write(chunk, () => sent++)
    count += 20
    await harness.pass(20)
  }
  assert.ok(client.socket.pendingBytes > 0)
  assert.equal(server.bytes, 0)
  assert.ok(sent < count)
  server.socket.resume()
  await harness.until(() => server.bytes === count * chunk.length)
  await harness.until(() => client.drained > 0 && sent === count)
  assert.equal(client.socket.pendingBytes, 0)
  assert.equal(client.socket.write(Buffer.from('on')), true)
  await harness.until(() => server.bytes === count * chunk.length + 2)
  client.socket.end()
  await harness.until(() => client.closed.length === 1 && server.closed.length === 1)
  all.listener.close()
}

async function endFlushes(harness: Harness): Promise<void> {
  const { client, server, all } = await pair(harness)
  server.socket.pause()
  client.socket.write(Buffer.alloc(2_000_000, 1))
  client.socket.end()
  server.socket.write(Buffer.from('last words'))
  await harness.until(() => client.text === 'last words')
  assert.deepEqual([client.closed, server.closed], [[], []])
  server.socket.resume()
  await harness.until(() => client.closed.length === 1 && server.closed.length === 1)
  assert.equal(server.bytes, 2_000_000)
  assert.deepEqual([client.closed, server.closed], [[null], [null]])
  all.listener.close()
}

async function destroying(harness: Harness): Promise<void> {
  const { client, server, all } = await pair(harness)
  server.socket.pause()
  let sent = 0
  for (let i = 0; i < 200; i++) client.socket.write(Buffer.alloc(100_000), () => sent++)
  client.socket.destroy()
  client.socket.destroy()
  server.socket.resume()
  await harness.until(() => client.closed.length > 0 && server.closed.length > 0 && sent === 200)
  await harness.pass(20)
  assert.deepEqual(client.closed, [null])
  assert.equal(server.closed.length, 1)
  all.listener.close()
}

async function destroyError(harness: Harness): Promise<void> {
  const { client, server, all } = await pair(harness)
  const error = new Error('enough')
  client.socket.destroy(error)
  assert.deepEqual(client.closed, [])
  await harness.until(() => client.closed.length > 0 && server.closed.length > 0)
  assert.deepEqual(client.closed, [error])
  all.listener.close()
}

async function writeAfterEnd(harness: Harness): Promise<void> {
  const { client, server, all } = await pair(harness)
  client.socket.write(Buffer.from('before'))
  client.socket.end()
  let sent = 0
  assert.equal(
    client.socket.write(Buffer.from('after'), () => sent++),
    true,
  )
  assert.equal(sent, 0)
  await harness.until(() => client.closed.length > 0 && server.closed.length > 0 && sent === 1)
  client.socket.write(Buffer.from('long after'), () => sent++)
  await harness.until(() => sent === 2)
  assert.equal(server.text, 'before')
  assert.deepEqual([client.closed, server.closed], [[null], [null]])
  all.listener.close()
}

async function refused(harness: Harness): Promise<void> {
  const all = await serve(harness)
  all.listener.close()
  await harness.pass(10)
  const client = watch(harness.env.net.connect({ host: HOST, port: all.port }))
  let sent = 0
  client.socket.write(Buffer.from('x'), () => sent++)
  await harness.until(() => client.closed.length > 0 && sent === 1)
  await harness.pass(10)
  assert.equal(client.connected, 0)
  assert.deepEqual(
    client.closed.map((error) => (error as Error & { code: string }).code),
    ['ECONNREFUSED'],
  )
}

async function portTaken(harness: Harness): Promise<void> {
  const all = await serve(harness)
  const results: string[] = []
  const options = { host: HOST, port: all.port }
  const second = harness.env.net.listen(
    options,
    () => {},
    (error, port) => {
      results.push(`${(error as Error & { code: string }).code} ${port}`)
    },
  )
  await harness.until(() => results.length > 0)
  assert.deepEqual(results, ['EADDRINUSE 0'])
  second.close()
  const client = watch(harness.env.net.connect({ host: HOST, port: all.port }))
  await harness.until(() => client.connected === 1)
  client.socket.destroy()
  all.listener.close()
}

async function listenerClosed(harness: Harness): Promise<void> {
  const { client, server, all } = await pair(harness)
  let closed = 0
  all.listener.close(() => closed++)
  await harness.until(() => closed === 1)
  const late = watch(harness.env.net.connect({ host: HOST, port: all.port }))
  await harness.until(() => late.closed.length === 1)
  client.socket.write(Buffer.from('still here'))
  await harness.until(() => server.text === 'still here')
  const again = await serve(harness, { port: all.port })
  assert.equal(again.port, all.port)
  again.listener.close()
  client.socket.end()
  await harness.until(() => client.closed.length === 1 && server.closed.length === 1)
}

async function pausedAtOnce(harness: Harness): Promise<void> {
  for (const tls of [undefined, () => null]) {
    const options = tls === undefined ? {} : { tls }
    const all = await serve(harness, options, (watched) => watched.socket.pause())
    const client = watch(harness.env.net.connect({ host: HOST, port: all.port }))
    client.socket.write(Buffer.from('early'))
    await harness.until(() => all.accepted.length === 1)
    await harness.pass(20)
    const server = all.accepted[0]!
    assert.equal(server.text, '')
    server.socket.resume()
    await harness.until(() => server.text === 'early')
    client.socket.destroy()
    await harness.until(() => server.closed.length === 1)
    all.listener.close()
  }
}
