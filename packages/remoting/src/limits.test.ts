import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { RequestCode } from '@apogee/protocol'
import { success } from './mod.ts'
import { frameOf, frames, framesIn, hotHandler, serve } from './test-support.ts'

const SEND = RequestCode.SEND_MESSAGE_V2
const KIB = 1024

test('a client that never reads is paused, then closed, with bounded memory; others are served', () => {
  const limits = { outputPauseBytes: 64 * KIB, outputCloseBytes: 256 * KIB, outputStalledMs: 5_000 }
  let handled = 0
  const { net, clock, server, log } = serve(
    [hotHandler(SEND, 'send', 8 * KIB, () => handled++)],
    limits,
  )
  const greedy = net.open()
  greedy.stuck = true
  for (let i = 0; i < 1_000; i++) {
    if (greedy.paused) break
    greedy.deliver(frames(4))
    clock.settle()
  }
  equal(greedy.paused, true)
  ok(greedy.pendingBytes < 64 * KIB + 5 * 9 * KIB, `${greedy.pendingBytes} bytes pending`)
  const handledThen = handled
  greedy.deliver(frames(20))
  clock.settle()
  equal(handled, handledThen)
  const honest = net.open('10.0.0.8')
  honest.deliver(frames(1))
  equal(framesIn(honest.output()).length, 1)
  clock.advance(6_000)
  equal(greedy.gone, true)
  equal(honest.gone, false)
  equal(server.closings.get('output_stalled'), 1)
  equal(log.events.filter(({ event }) => event === 'connection_closed').length, 1)
})

test('a paused client that reads again goes on where it was', () => {
  const limits = { outputPauseBytes: 64 * KIB, outputCloseBytes: 256 * KIB }
  const { net, clock } = serve([hotHandler(SEND, 'send', 8 * KIB)], limits)
  const socket = net.open()
  socket.stuck = true
  socket.deliver(frames(12))
  socket.deliver(frames(30))
  equal(socket.paused, true)
  socket.drain()
  clock.settle()
  clock.advance(100)
  equal(socket.paused, false)
  equal(framesIn(socket.output()).length, 42)
})

test('pushing more than the close limit at a client closes it at once', () => {
  const limits = { outputPauseBytes: 64 * KIB, outputCloseBytes: 256 * KIB }
  const { net, clock, server } = serve([], limits)
  const socket = net.open()
  socket.stuck = true
  const [connection] = server.connections
  for (let i = 0; i < 40; i++) {
    connection!.answer(i, 0, success(Buffer.alloc(8 * KIB)))
    clock.settle()
  }
  equal(socket.gone, true)
  deepEqual([...server.closings], [['output_too_large', 1]])
})

test('a slow client does not hold pooled memory for small replies', () => {
  const { net, clock, server } = serve([hotHandler(SEND, 'send', 10)])
  const socket = net.open()
  socket.deliver(frames(1))
  socket.stuck = true
  for (let i = 0; i < 50; i++) {
    socket.deliver(frames(1))
    clock.settle()
  }
  equal(socket.writes, 51)
  ok(socket.pendingBytes < 50 * 300)
  // One chunk went out with the first write that found no one before it; one is back in the pool for all the others.
  const [connection] = server.connections
  equal(connection!.pendingOutput, socket.pendingBytes)
  socket.drain()
  equal(framesIn(socket.output()).length, 51)
})

test('a connection must send a whole frame soon', () => {
  const { net, clock, server } = serve([hotHandler(SEND, 'send', 0)], { firstFrameMs: 1_000 })
  const silent = net.open()
  const loris = net.open()
  const honest = net.open()
  honest.deliver(frames(1))
  const frame = frames(1)
  for (let i = 0; i < 20; i++) {
    loris.deliver(frame.subarray(i, i + 1))
    clock.advance(50)
  }
  clock.advance(60)
  deepEqual([silent.gone, loris.gone, honest.gone], [true, true, false])
  equal(server.closings.get('no_first_frame'), 2)
})

test('half a frame may take its time, but not for ever', () => {
  const { net, clock, server } = serve([hotHandler(SEND, 'send', 0)], { frameAssemblyMs: 1_000 })
  const half = net.open()
  const slow = net.open()
  const frame = frames(1, SEND, 100)
  half.deliver(frames(1))
  slow.deliver(frames(1))
  for (let i = 0; i < 30; i++) {
    half.deliver(frame.subarray(i, i + 1))
    slow.deliver(frame)
    slow.deliver(frame.subarray(0, 10))
    clock.advance(40)
    slow.deliver(frame.subarray(10))
  }
  deepEqual([half.gone, slow.gone], [true, false])
  deepEqual([...server.closings], [['frame_incomplete', 1]])
})

test('frames and headers beyond their limits close the connection, unanswered and logged once a second', () => {
  const { net, clock, server, log } = serve([hotHandler(SEND, 'send', 0)], {
    frameSizeMax: 1_000,
    headerSizeMax: 500,
    connectionsPerAddressMax: 1_000,
  })
  for (let i = 0; i < 100; i++) {
    const large = net.open()
    large.deliver(frames(1, SEND, 1_000))
    const header = net.open()
    header.deliver(frameOf({ code: SEND, opaque: 1, fields: new Map([['k', 'v'.repeat(600)]]) }))
    const garbage = net.open()
    garbage.deliver(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    deepEqual([large.gone, header.gone, garbage.gone], [true, true, true])
    deepEqual([large.writes, header.writes, garbage.writes], [0, 0, 0])
  }
  equal(server.closings.get('frame_malformed'), 300)
  equal(server.connections.size, 0)
  equal(log.events.length, 1)
  clock.advance(1_500)
  net.open().deliver(frames(1, SEND, 1_000))
  equal(log.events[1]!['suppressed'], 299)
})

test('connections beyond the total and beyond those of one address are closed as they come', () => {
  const { net, server, log } = serve([hotHandler(SEND, 'send', 0)], {
    connectionsMax: 10,
    connectionsPerAddressMax: 4,
  })
  const same = Array.from({ length: 6 }, () => net.open('10.0.0.1'))
  equal(same.filter(({ gone }) => gone).length, 2)
  const others = Array.from({ length: 10 }, (_, i) => net.open(`10.0.1.${i}`))
  equal(others.filter(({ gone }) => gone).length, 4)
  equal(server.connections.size, 10)
  equal(server.refused, 6)
  equal(log.events.filter(({ event }) => event === 'connection_refused').length, 1)
  same[0]!.peerCloses()
  const again = net.open('10.0.0.1')
  again.deliver(frames(1))
  equal(framesIn(again.output()).length, 1)
})

test('a storm of connections leaves nothing behind', () => {
  const { net, clock, server } = serve([hotHandler(SEND, 'send', 0)])
  const honest = net.open('10.0.0.8')
  for (let i = 0; i < 5_000; i++) {
    const socket = net.open()
    if (i % 2 === 0) socket.deliver(frames(1).subarray(0, i % 60))
    socket.peerCloses(new Error('ECONNRESET'))
  }
  clock.settle()
  equal(server.connections.size, 1)
  equal(server.refused, 0)
  honest.deliver(frames(1))
  equal(framesIn(honest.output()).length, 1)
})

test('a connection without traffic is closed after the idle time', () => {
  const { net, clock, server } = serve([hotHandler(SEND, 'send', 0)], { idleMs: 2_000 })
  const idle = net.open()
  const busy = net.open()
  const fed = net.open()
  for (const socket of [idle, busy, fed]) socket.deliver(frames(1))
  const connection = [...server.connections][2]!
  for (let i = 0; i < 25; i++) {
    clock.advance(100)
    busy.deliver(frames(1))
    connection.oneway(40, null, null)
  }
  deepEqual([idle.gone, busy.gone, fed.gone], [true, false, false])
  deepEqual([...server.closings], [['idle', 1]])
})
