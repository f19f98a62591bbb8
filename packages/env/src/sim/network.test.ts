import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Env, Socket } from '../ports.ts'
import { SimWorld } from './world.ts'

const A = '10.0.0.1'
const B = '10.0.0.2'

interface Heard {
  socket: Socket
  text: string
  pieces: number[]
  connected: number
  closed: string[]
}

function hear(socket: Socket): Heard {
  const heard: Heard = { socket, text: '', pieces: [], connected: 0, closed: [] }
  socket.events = {
    connected: () => heard.connected++,
    data(bytes) {
      heard.text += bytes.toString('latin1')
      heard.pieces.push(bytes.length)
    },
    drained() {},
    closed(error) {
      heard.closed.push(error === null ? 'null' : (error as Error & { code: string }).code)
    },
  }
  return heard
}

function listen(env: Env, host = '0.0.0.0'): Heard[] {
  const accepted: Heard[] = []
  env.net.listen(
    { host, port: 9876 },
    (socket) => accepted.push(hear(socket)),
    () => {},
  )
  return accepted
}

function connect(env: Env, host: string): Heard {
  return hear(env.net.connect({ host, port: 9876 }))
}

/** Two hosts, a listener on B, and a connection from A. */
function connected(seed: number) {
  const world = new SimWorld(seed)
  const a = world.host(A).boot()
  const b = world.host(B).boot()
  const accepted = listen(b)
  const client = connect(a, B)
  assert.ok(world.clock.runUntil(() => client.connected === 1 && accepted.length === 1))
  return { world, a, b, client, accepted, server: accepted[0]! }
}

test('bytes are cut anywhere and joined anywhere, but keep their order', () => {
  for (let seed = 0; seed < 20; seed++) {
    const { world, client, server } = connected(seed)
    let text = ''
    for (let i = 0; i < 200; i++) {
      const part = `${i};`.repeat(1 + (i % 50))
      text += part
      client.socket.write(Buffer.from(part))
      world.clock.runFor(0.3)
    }
    world.clock.runFor(1000)
    assert.equal(server.text, text, `seed ${seed}`)
    assert.ok(server.pieces.length > 20, `seed ${seed}`)
    assert.ok(
      server.pieces.some((length) => length < 8),
      `seed ${seed}`,
    )
  }
})

test('the same seed gives the same run, another seed another', () => {
  const run = (seed: number): string => {
    const { world, client, server } = connected(seed)
    for (let i = 0; i < 50; i++) client.socket.write(Buffer.alloc(1000, i))
    world.clock.runFor(1000)
    return `${server.pieces.join()} ${world.clock.eventCount}`
  }
  assert.equal(run(1), run(1))
  assert.notEqual(run(1), run(2))
})

test('a partition holds bytes both ways, and heals in order', () => {
  const { world, client, server } = connected(1)
  world.network.partition([A], [B])
  client.socket.write(Buffer.from('one '))
  server.socket.write(Buffer.from('answer'))
  world.clock.runFor(5000)
  assert.deepEqual([server.text, client.text], ['', ''])
  client.socket.write(Buffer.from('two '))
  world.network.heal()
  client.socket.write(Buffer.from('three'))
  world.clock.runFor(100)
  assert.deepEqual([server.text, client.text], ['one two three', 'answer'])
})

test('a way blocked in one direction lets the other through', () => {
  const { world, client, server } = connected(1)
  world.network.block(A, B)
  client.socket.write(Buffer.from('lost for now'))
  server.socket.write(Buffer.from('through'))
  world.clock.runFor(100)
  assert.deepEqual([server.text, client.text], ['', 'through'])
  world.network.heal(A, B)
  world.clock.runFor(100)
  assert.equal(server.text, 'lost for now')
})

test('nobody connects through a partition, nor to a host that is off', () => {
  const { world, a } = connected(1)
  world.network.partition([A], [B])
  const blocked = connect(a, B)
  const nowhere = connect(a, '10.0.0.9')
  world.clock.runFor(3001)
  assert.deepEqual([blocked.closed, nowhere.closed], [['ETIMEDOUT'], ['ETIMEDOUT']])
})

test('a listener on loopback is not seen from outside', () => {
  const world = new SimWorld(1)
  const [a, b] = [world.host(A).boot(), world.host(B).boot()]
  const accepted = listen(b, '127.0.0.1')
  const outside = connect(a, B)
  const inside = connect(b, 'localhost')
  world.clock.runFor(100)
  assert.deepEqual([outside.closed, inside.connected, accepted.length], [['ECONNREFUSED'], 1, 1])
})

test('a killed process resets its connections, and a new one listens again', () => {
  const { world, a, client, server } = connected(1)
  world.host(B).kill()
  world.clock.runFor(100)
  assert.deepEqual([client.closed, server.closed], [['ECONNRESET'], []])
  const refused = connect(a, B)
  world.clock.runFor(3001)
  assert.equal(refused.closed.length, 1)
  const accepted = listen(world.host(B).boot())
  const again = connect(a, B)
  world.clock.runFor(100)
  assert.deepEqual([again.connected, accepted.length], [1, 1])
})

test('a machine without power says nothing, and resets who writes once it is back', () => {
  const { world, client } = connected(1)
  world.host(B).cutPower()
  client.socket.write(Buffer.from('hello?'))
  world.clock.runFor(60_000)
  assert.deepEqual(client.closed, [])
  world.host(B).boot()
  world.clock.runFor(100)
  assert.deepEqual(client.closed, [])
  client.socket.write(Buffer.from('anyone?'))
  world.clock.runFor(100)
  assert.deepEqual(client.closed, ['ECONNRESET'])
})

test('a cut connection ends for both, in the middle of whatever was sent', () => {
  const { world, client, server } = connected(3)
  client.socket.write(Buffer.alloc(500_000, 1))
  world.clock.runFor(1)
  world.network.resetConnections(A, B)
  world.clock.runFor(100)
  assert.deepEqual([client.closed, server.closed], [['ECONNRESET'], ['ECONNRESET']])
  assert.ok(server.text.length < 500_000)
})

test('a paused process hears everything late, in order, and then goes on', () => {
  const { world, b, client, server } = connected(1)
  const ran: string[] = []
  b.clock.after(10, () => ran.push('timer'))
  world.host(B).pause()
  for (let i = 0; i < 10; i++) client.socket.write(Buffer.from(`${i}`))
  world.clock.runFor(1000)
  assert.deepEqual([server.text, ran], ['', []])
  world.host(B).resume()
  client.socket.write(Buffer.from('end'))
  world.clock.runFor(100)
  assert.deepEqual([server.text, ran], ['0123456789end', ['timer']])
})

test('nothing of a killed process runs on: no timer, no disk call', () => {
  const world = new SimWorld(1)
  const env = world.host(A).boot()
  const fail = (): void => assert.fail('ran after the kill')
  env.clock.after(10, fail)
  env.clock.soon(fail)
  env.disk.open('/f', { create: true }).write([Buffer.from('x')], 0, fail)
  world.host(A).kill()
  world.clock.runFor(1000)
  const next = world.host(A).boot()
  assert.equal(next.disk.exists('/f'), true)
  world.host(A).cutPower({ keep: 0, keepNames: 0 })
  assert.equal(world.host(A).boot().disk.exists('/f'), false)
})

test('hosts have wall clocks of their own', () => {
  const world = new SimWorld(1)
  const [a, b] = [world.host(A).boot(), world.host(B).boot()]
  world.host(B).jumpWall(-5000)
  assert.equal(a.clock.wallMs() - b.clock.wallMs(), 5000)
  assert.equal(a.clock.monotonicMs(), b.clock.monotonicMs())
  assert.equal(a.clock.wallMs() - world.host(B).boot().clock.wallMs(), 5000)
})

test('TLS is a matter of both sides asking for it', () => {
  const world = new SimWorld(1)
  const env = world.host(A).boot()
  const accepted: Heard[] = []
  const tls = () => ({ key: '', cert: '' })
  env.net.listen(
    { host: A, port: 1, tls },
    (socket) => accepted.push(hear(socket)),
    () => {},
  )
  env.net.listen(
    { host: A, port: 2 },
    (socket) => accepted.push(hear(socket)),
    () => {},
  )
  const secure = hear(env.net.connect({ host: A, port: 1, tls: {} }))
  const plain = hear(env.net.connect({ host: A, port: 1 }))
  const mistaken = hear(env.net.connect({ host: A, port: 2, tls: {} }))
  world.clock.runFor(100)
  assert.deepEqual([secure.socket.encrypted, plain.socket.encrypted], [true, false])
  assert.deepEqual(accepted.map(({ socket }) => `${socket.encrypted}`).sort(), ['false', 'true'])
  assert.deepEqual(mistaken.closed, ['EPROTO'])
})
