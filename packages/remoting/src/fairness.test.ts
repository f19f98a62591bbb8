import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { FrameFlag, RequestCode, ResponseCode } from '@apogee/protocol'
import { Pause } from './connection-host.ts'
import { handler, success } from './mod.ts'
import {
  frameOf,
  frames,
  framesIn,
  hotHandler,
  noAgeLimits,
  parking,
  serve,
} from './test-support.ts'

const SEND = RequestCode.SEND_MESSAGE_V2
const HEARTBEAT = RequestCode.HEART_BEAT
const KIB = 1024

test('too many unanswered requests pause a connection; it goes on as they are answered', () => {
  const { send, finish, parked } = parking()
  const { net, clock } = serve([send], { unansweredPerConnectionMax: 8 })
  const socket = net.open()
  socket.deliver(frames(20))
  equal(parked.length, 8)
  equal(socket.paused, true)
  finish(1)
  clock.settle()
  equal(socket.paused, true)
  finish(4)
  clock.settle()
  equal(parked.length, 8)
  finish(8)
  clock.settle()
  finish(8)
  clock.settle()
  equal(socket.paused, false)
  deepEqual(
    framesIn(socket.output()).map(({ opaque }) => opaque),
    Array.from({ length: 20 }, (_, i) => i),
  )
})

test('what waits behind unanswered requests is refused once it is too old', () => {
  const { send, parked, finish } = parking()
  const { net, clock, shed } = serve([send, hotHandler(HEARTBEAT, 'heartbeat', 0)], {
    unansweredPerConnectionMax: 4,
  })
  const socket = net.open()
  socket.deliver(Buffer.concat([frames(10), frames(1, HEARTBEAT), frames(3)]))
  clock.advance(150)
  equal(socket.writes, 0)
  clock.advance(150)
  const refused = framesIn(socket.output())
  deepEqual(
    refused.map(({ opaque }) => opaque),
    [4, 5, 6, 7, 8, 9],
  )
  for (const { code, remark } of refused) {
    equal(code, ResponseCode.SYSTEM_BUSY)
    match(
      remark!,
      /^\[TIMEOUT_CLEAN_QUEUE\].* waited 2[0-9]{2} ms in the send lane, at most 200 ms$/,
    )
  }
  equal(parked.length, 4)
  finish(4)
  clock.settle()
  const rest = framesIn(socket.output())
  deepEqual(
    rest.slice(4).map(({ code }) => code),
    [ResponseCode.SUCCESS, 2, 2, 2],
  )
  equal(shed.length, 9)
  ok(shed.every(([lane, reason]) => lane === 'send' && reason === 'age'))
})

test('too many unanswered requests in all refuse sends, never heartbeats', () => {
  const { send, finish } = parking()
  const { net, shed } = serve([send, hotHandler(HEARTBEAT, 'heartbeat', 0)], { unansweredMax: 5 })
  const socket = net.open()
  socket.deliver(Buffer.concat([frames(7), frames(1, HEARTBEAT)]))
  const answers = framesIn(socket.output())
  deepEqual(
    answers.map(({ opaque, code }) => [opaque, code]),
    [
      [5, ResponseCode.SYSTEM_BUSY],
      [6, ResponseCode.SYSTEM_BUSY],
      [0, ResponseCode.SUCCESS],
    ],
  )
  match(answers[0]!.remark!, /^\[OVERLOAD\]/)
  deepEqual(shed, [
    ['send', 'overload'],
    ['send', 'overload'],
  ])
  finish(1)
  socket.deliver(frames(1))
  equal(shed.length, 2)
})

test('a flood on one connection delays others by a slice, and is read no faster than it is handled', () => {
  const { net, clock } = serve(
    [
      hotHandler(SEND, 'send', 0, () => (clock.nowMs += 0.5)),
      hotHandler(HEARTBEAT, 'heartbeat', 0),
    ],
    { sliceMs: 2, inputPauseBytes: 64 * KIB, laneAgeLimitMs: noAgeLimits },
  )
  const flood = net.open('10.0.0.6')
  const chunk = frames(60, SEND, KIB)
  let delivered = 0
  while (!flood.paused) {
    flood.deliver(chunk)
    delivered++
  }
  ok(delivered <= 3, `${delivered} chunks of ${chunk.length} before the pause`)
  const honest = net.open('10.0.0.8')
  const sentMs = clock.nowMs
  honest.deliver(frames(1, HEARTBEAT))
  equal(framesIn(honest.output()).length, 1)
  equal(clock.nowMs, sentMs)
  const second = net.open('10.0.0.9')
  second.deliver(frames(100))
  clock.turn()
  const shares = [flood, second].map((socket) => framesIn(socket.output()).length)
  ok(
    shares.every((share) => share > 0),
    `shares ${shares.join()}`,
  )
  clock.settle()
  equal(flood.paused, false)
  const answered = shares[0]! + framesIn(flood.output()).length
  equal(answered, delivered * 60)
})

test('under a flood sends are refused by age, while heartbeats on the same connection are served', () => {
  const { net, clock, shed } = serve([
    hotHandler(SEND, 'send', 0, () => (clock.nowMs += 5)),
    hotHandler(HEARTBEAT, 'heartbeat', 0),
  ])
  const socket = net.open()
  for (let i = 0; i < 5; i++) {
    socket.deliver(Buffer.concat([frames(100), frames(1, HEARTBEAT)]))
  }
  clock.settle()
  const answers = framesIn(socket.output())
  equal(answers.length, 505)
  equal(answers.filter(({ code }) => code === ResponseCode.SYSTEM_BUSY).length, shed.length)
  ok(shed.length > 300 && shed.length < 480, `${shed.length} shed`)
  ok(shed.every(([lane]) => lane === 'send'))
})

test('one-way requests that are too old vanish without an answer', () => {
  const { net, clock, shed } = serve([hotHandler(SEND, 'send', 0, () => (clock.nowMs += 100))], {
    sliceMs: 1,
  })
  const socket = net.open()
  const old = frameOf({ code: SEND, opaque: 9, flag: FrameFlag.ONEWAY })
  socket.deliver(Buffer.concat([frames(32), old]))
  clock.settle()
  equal(framesIn(socket.output()).length, 32)
  equal(shed.length, 1)
})

test('when all connections together hold too much, those above the average are paused and go on later', () => {
  const { net, clock, log } = serve([hotHandler(SEND, 'send', 10 * KIB)], {
    inFlightBytesMax: 300 * KIB,
    outputPauseBytes: 400 * KIB,
  })
  const small = net.open('10.0.0.8')
  const slow = net.open('10.0.0.5')
  const big = net.open('10.0.0.6')
  for (const socket of [slow, big]) socket.stuck = true
  slow.deliver(frames(9))
  clock.advance(5)
  big.deliver(frames(22))
  clock.advance(5)
  deepEqual([small.paused, slow.paused, big.paused], [false, false, true])
  const before = big.pendingBytes
  big.deliver(frames(10))
  clock.settle()
  equal(big.pendingBytes, before)
  small.deliver(frames(1))
  equal(framesIn(small.output()).length, 1)
  equal(log.events.filter(({ event }) => event === 'connections_paused').length, 1)
  big.drain()
  clock.advance(60)
  equal(big.paused, false)
  equal(framesIn(big.output()).length, 32)
})

test('bytes keep their order when a pause ends unnoticed', () => {
  const limits = { inFlightBytesMax: 100 * KIB, outputPauseBytes: 1_000 * KIB }
  const { net, clock, server } = serve([hotHandler(SEND, 'send', 10 * KIB)], limits)
  const socket = net.open()
  socket.stuck = true
  const wire = Buffer.concat(
    Array.from({ length: 40 }, (_, opaque) => frameOf({ code: SEND, opaque })),
  )
  let at = 0
  const deliver = (): void => {
    socket.deliver(wire.subarray(at, at + 101))
    at += 101
  }
  const [connection] = server.connections
  while (connection!.pauses === 0) deliver()
  deliver()
  deliver()
  // Everything is taken, but nothing waited long enough for the socket to say so.
  socket.stuck = false
  socket.take()
  while (at < wire.length) deliver()
  clock.advance(100)
  deepEqual(
    framesIn(socket.output()).map(({ opaque }) => opaque),
    Array.from({ length: 40 }, (_, i) => i),
  )
})

test('single bytes that wait are counted for more than a byte', () => {
  const { send } = parking()
  const limits = { unansweredPerConnectionMax: 1, inputPauseBytes: 64 * KIB }
  const { net, server } = serve([send], limits)
  const socket = net.open()
  socket.deliver(frames(1))
  const [connection] = server.connections
  const byte = frames(1).subarray(0, 1)
  // Node delivers what it had read already.
  for (let i = 0; i < 200; i++) socket.deliver(byte)
  equal(connection!.pauses, Pause.UNANSWERED)
  for (let i = 0; i < 100; i++) socket.deliver(byte)
  equal(connection!.pauses, Pause.UNANSWERED | Pause.INPUT)
})

test('a connection whose waiting requests were all refused for their age is read again', () => {
  const { send, finish } = parking()
  const limits = { unansweredPerConnectionMax: 1, inputPauseBytes: KIB }
  const { net, clock } = serve([send], limits)
  const socket = net.open()
  for (let i = 0; i < 20; i++) socket.deliver(frames(1))
  clock.advance(500)
  equal(framesIn(socket.output()).length, 19)
  finish(1)
  clock.settle()
  equal(socket.paused, false)
})

test('slow typed requests give way after each slice, and those behind them are refused by age', () => {
  let decoded = 0
  const slow = handler({
    code: SEND,
    lane: 'admin',
    permission: 'admin',
    header: {},
    handle() {
      decoded++
      clock.nowMs += 3_000
      return success()
    },
  })
  const { net, clock, shed } = serve([slow])
  const socket = net.open()
  socket.deliver(frames(10))
  clock.settle()
  equal(decoded + shed.length, 10)
  ok(decoded < 7, `${decoded} handled`)
})
