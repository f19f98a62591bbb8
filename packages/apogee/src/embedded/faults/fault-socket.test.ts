import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Socket, SocketEvents } from '@apogee/env'
import { SimClock } from '@apogee/env/sim'
import { encodeFrame, FrameFlag, RequestCode, type SerializeType } from '@apogee/protocol'
import { FaultRules, refusal } from './fault-rules.ts'
import { FaultSocket } from './fault-socket.ts'
import { FrameCutter } from './frame-cutter.ts'
import { frameFacts } from './request-facts.ts'

/** The wire's side of a FaultSocket. */
class Wire implements Socket {
  events: SocketEvents = { data() {}, drained() {}, closed() {} }
  readonly remoteAddress = '10.0.0.2'
  readonly remotePort = 5
  readonly localAddress = '10.0.0.1'
  readonly localPort = 10911
  readonly encrypted = false
  readonly pendingBytes = 0
  readonly written: Buffer[] = []
  isDestroyed = false

  write(bytes: Uint8Array, sent?: () => void): boolean {
    // Not a copy: who gets its memory back too early destroys what is to be sent.
    this.written.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    sent?.()
    return true
  }

  pause(): void {}
  resume(): void {}
  end(): void {}

  destroy(): void {
    this.isDestroyed = true
    this.events.closed(null)
  }
}

interface Setup {
  readonly wire: Wire
  readonly socket: FaultSocket
  readonly rules: FaultRules
  readonly clock: SimClock
  /** What the server gets. */
  readonly received: Buffer[]
}

function setup(): Setup {
  const wire = new Wire()
  const rules = new FaultRules()
  const clock = new SimClock()
  const socket = new FaultSocket(wire, 'broker-a', rules, clock)
  const received: Buffer[] = []
  socket.events = {
    data: (bytes) => received.push(Buffer.from(bytes)),
    drained() {},
    closed() {},
  }
  return { wire, socket, rules, clock, received }
}

function frame(opaque: number, flag = 0, size = 10, serializeType: SerializeType = 0): Buffer {
  const code = flag === FrameFlag.RESPONSE ? 0 : RequestCode.SEND_MESSAGE_V2
  const fields = new Map([
    ['a', 'producers'],
    ['b', 'or"ders'],
    ['e', '3'],
  ])
  const body = Buffer.alloc(size, opaque)
  return encodeFrame({ code, opaque, flag, language: 0, version: 400, serializeType, fields, body })
}

const request = (opaque: number, size = 10): Buffer => frame(opaque, 0, size)
const reply = (opaque: number, size = 10): Buffer => frame(opaque, FrameFlag.RESPONSE, size)

/** The opaques of whole frames in a stream; throws when they are not whole. */
function opaques(parts: readonly Buffer[]): number[] {
  const found: number[] = []
  const sink = {
    pass: () => {},
    frame: (bytes: Buffer) => {
      found.push(frameFacts(bytes)!.opaque)
    },
  }
  const cutter = new FrameCutter(sink, () => true)
  for (const part of parts) cutter.push(part)
  equal(cutter.isBetweenFrames, true)
  return found
}

test('topic, group and queue are read from either form of header, and the frame stays as it is', () => {
  for (const type of [0, 1] as const) {
    const bytes = frame(7, 0, 10, type)
    const before = Buffer.from(bytes)
    const facts = frameFacts(bytes)
    equal(facts?.topic, 'or"ders')
    equal(facts?.group, 'producers')
    equal(facts?.queueId, 3)
    deepEqual(bytes, before)
  }
})

test('a delayed request comes between whole frames, though its rule is spent', () => {
  const { clock, received, rules, wire } = setup()
  rules.add({ times: 1 }, { kind: 'delay', delayMs: 10 })
  wire.events.data(request(1))
  const large = request(2, 5000)
  wire.events.data(large.subarray(0, 100))
  clock.runFor(20)
  wire.events.data(large.subarray(100))
  deepEqual(opaques(received), [1, 2])
})

test('a refusal waits until the frame that is being sent is whole', () => {
  const { received, rules, socket, wire } = setup()
  const large = reply(1, 5000)
  socket.write(large.subarray(0, 100))
  rules.add({}, refusal({ remark: 'no' }))
  wire.events.data(request(2))
  deepEqual(received, [])
  socket.write(large.subarray(100))
  deepEqual(opaques(wire.written), [1, 2])
})

test('the reply of one request is dropped or delayed, later ones with its number are not', () => {
  const { clock, rules, socket, wire } = setup()
  rules.add({ times: 1 }, { kind: 'drop-reply' })
  rules.add({ times: 1 }, { kind: 'delay-reply', delayMs: 10 })
  wire.events.data(Buffer.concat([request(1), request(2), request(3)]))
  socket.write(Buffer.concat([reply(1), reply(2), reply(3)]))
  deepEqual(opaques(wire.written), [3])
  clock.runFor(20)
  deepEqual(opaques(wire.written), [3, 2])
  socket.write(reply(1))
  deepEqual(opaques(wire.written), [3, 2, 1])
})

test('memory of what was written is given back, also when it was held back', () => {
  const { clock, rules, socket, wire } = setup()
  let given = 0
  const sent = (): void => {
    given++
  }
  const bytes = reply(1)
  socket.write(bytes, sent)
  equal(given, 1)
  rules.add({}, { kind: 'drop-reply' })
  wire.events.data(request(2))
  const dropped = reply(2)
  socket.write(dropped, sent)
  equal(given, 1)
  clock.runFor(1)
  equal(given, 2)
  // The end of a frame that passes, and one that is looked at, in one chunk: both must have left it.
  rules.clear()
  const half = reply(3, 5000)
  socket.write(half.subarray(0, 100))
  rules.add({ topic: 'none' }, { kind: 'drop' })
  const chunk = Buffer.concat([half.subarray(100), reply(4)])
  socket.write(chunk, () => {
    given++
    chunk.fill(0)
  })
  clock.runFor(1)
  equal(given, 3)
  deepEqual(opaques(wire.written), [1, 3, 4])
})

test('a connection that is cut by a request delivers nothing more of what was delayed', () => {
  const { clock, received, rules, wire } = setup()
  rules.add({ times: 1 }, { kind: 'delay', delayMs: 10 })
  rules.add({ times: 1 }, { kind: 'disconnect' })
  wire.events.data(Buffer.concat([request(1), request(2)]))
  equal(wire.isDestroyed, true)
  clock.runFor(20)
  deepEqual(received, [])
})

test('one-way requests are dropped without a made-up answer', () => {
  const { received, rules, wire } = setup()
  rules.add({}, refusal({}))
  wire.events.data(frame(1, FrameFlag.ONEWAY))
  deepEqual([received, wire.written], [[], []])
})
