import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { ApogeeError } from '@apogee/base'
import { FrameFlag, RequestCode, ResponseCode, writeEmptyReply } from '@apogee/protocol'
import fc from 'fast-check'
import {
  type Answer,
  type FrameHandler,
  type Handler,
  handler,
  type Request,
  refuse,
  succeedWith,
  success,
} from './mod.ts'
import { type FakeSocket, frameOf, framesIn, serve } from './test-support.ts'

const EchoHeader = { name: 'string', count: 'int?' } as const
const ECHO = RequestCode.GET_KV_CONFIG
const HOT = RequestCode.SEND_MESSAGE_V2
const LATER = RequestCode.PULL_MESSAGE
const ADMIN = RequestCode.GET_BROKER_CONFIG

const echo = handler({
  code: ECHO,
  lane: 'route',
  permission: 'client',
  header: EchoHeader,
  handle: (request) => succeedWith(EchoHeader, request.header, request.body),
})

/** Answers with its opaque and nothing else, as a hot handler does. */
const hot: FrameHandler = {
  code: HOT,
  lane: 'send',
  permission: 'client',
  handleFrame(frame, connection) {
    if (frame.isOneway) return
    const buffer = connection.reserve(200)
    const at = connection.outputEnd
    const type = frame.serializeType
    connection.commit(writeEmptyReply(buffer, at, type, 0, frame.opaque, null) - at)
  },
}

function admin(handle: (request: Request<unknown>) => Answer | Promise<Answer> | null): Handler {
  return handler({ code: ADMIN, lane: 'admin', permission: 'admin', header: {}, handle })
}

function ask(socket: FakeSocket, code: number, extra: object = {}): void {
  socket.deliver(frameOf({ code, opaque: 1, ...extra }))
}

test('requests of both header forms, interleaved and cut anywhere, are answered in order and in their own form', () => {
  const request = fc.record({
    hot: fc.boolean(),
    serializeType: fc.constantFrom(0 as const, 1 as const),
    body: fc.uint8Array({ maxLength: 300 }),
  })
  fc.assert(
    fc.property(
      fc.array(request, { minLength: 1, maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
      (requests, cuts) => {
        const { net, clock } = serve([echo, hot])
        const socket = net.open()
        const wire = Buffer.concat(
          requests.map(({ hot: isHot, serializeType, body }, opaque) =>
            frameOf({
              code: isHot ? HOT : ECHO,
              opaque,
              serializeType,
              fields: new Map([['name', `é${opaque}`]]),
              body: Buffer.from(body),
            }),
          ),
        )
        for (let at = 0, i = 0; at < wire.length; i++) {
          const end = at + cuts[i % cuts.length]!
          socket.deliver(Buffer.from(wire.subarray(at, end)))
          at = end
        }
        clock.settle()
        const answers = framesIn(socket.output())
        equal(answers.length, requests.length)
        for (const [opaque, answer] of answers.entries()) {
          const { hot: isHot, serializeType, body } = requests[opaque]!
          equal(answer.opaque, opaque)
          equal(answer.flag, FrameFlag.RESPONSE)
          equal(answer.serializeType, serializeType)
          if (isHot) continue
          equal(answer.fields!.get('name'), `é${opaque}`)
          deepEqual(answer.body, Buffer.from(body))
        }
      },
    ),
  )
})

test('a thousand pipelined requests leave in one write', () => {
  const { net } = serve([hot], { sliceMs: 1_000 })
  const socket = net.open()
  const frames = Array.from({ length: 1_000 }, (_, opaque) =>
    frameOf({ code: HOT, opaque, serializeType: 1 }),
  )
  socket.deliver(Buffer.concat(frames))
  equal(framesIn(socket.output()).length, 1_000)
  equal(socket.writes, 1)
})

test('answers that are larger than a chunk arrive whole and in order', () => {
  const large = Buffer.alloc(1_500_000, 7)
  const { net } = serve([admin(() => success(large)), hot])
  const socket = net.open()
  socket.deliver(
    Buffer.concat([
      frameOf({ code: HOT, opaque: 1 }),
      frameOf({ code: ADMIN, opaque: 2 }),
      frameOf({ code: HOT, opaque: 3 }),
    ]),
  )
  const answers = framesIn(socket.output())
  deepEqual(
    answers.map(({ opaque }) => opaque),
    [1, 2, 3],
  )
  equal(answers[1]!.body!.equals(large), true)
})

test('an answer beyond the frame limit becomes an error that says so', () => {
  const { net } = serve([admin(() => success(Buffer.alloc(5_000)))], { frameSizeMax: 4_000 })
  const socket = net.open()
  ask(socket, ADMIN)
  const [answer] = framesIn(socket.output())
  equal(answer!.code, ResponseCode.SYSTEM_ERROR)
  match(answer!.remark!, /at most 4000/)
})

test('an unknown code, a missing field and a bad field are refused with their codes', () => {
  const { net } = serve([echo])
  const socket = net.open()
  ask(socket, 9_999)
  ask(socket, 200_050)
  ask(socket, ECHO)
  ask(socket, ECHO, {
    fields: new Map([
      ['name', 'n'],
      ['count', 'many'],
    ]),
  })
  const answers = framesIn(socket.output()).map(({ code, remark }) => [code, remark])
  deepEqual(answers, [
    [ResponseCode.REQUEST_CODE_NOT_SUPPORTED, 'request type 9999 not supported'],
    [ResponseCode.REQUEST_CODE_NOT_SUPPORTED, 'request type 200050 not supported'],
    [ResponseCode.SYSTEM_ERROR, '[HEADER_FIELD_MISSING] name'],
    [ResponseCode.SYSTEM_ERROR, '[HEADER_FIELD_INVALID] count=many'],
  ])
})

test('a handler that throws or rejects is answered with its message, never its stack, and logged', async () => {
  const failures: unknown[] = [
    new Error('no such group'),
    new ApogeeError('OFFSET_INVALID', 'below the minimum'),
    'a string',
  ]
  let next = 0
  const { net, log, clock } = serve([
    admin(() => {
      throw failures[next++]
    }),
    handler({
      code: ECHO,
      lane: 'route',
      permission: 'client',
      header: {},
      handle: () => Promise.reject(new Error('later')),
    }),
    {
      ...hot,
      handleFrame() {
        throw new Error('hot')
      },
    },
  ])
  const socket = net.open()
  for (let i = 0; i < 3; i++) ask(socket, ADMIN)
  ask(socket, HOT)
  ask(socket, ECHO)
  await Promise.resolve()
  await Promise.resolve()
  clock.settle()
  deepEqual(
    framesIn(socket.output()).map(({ code, remark }) => [code, remark]),
    [
      [1, 'no such group'],
      [1, '[OFFSET_INVALID] below the minimum'],
      [1, 'a string'],
      [1, 'hot'],
      [1, 'later'],
    ],
  )
  equal(log.events.filter(({ event }) => event === 'handler_failed').length, 5)
})

test('a hot handler that throws after it has replied does not reply twice', () => {
  const { net } = serve([
    {
      ...hot,
      handleFrame(frame, connection) {
        hot.handleFrame(frame, connection)
        throw new Error('afterwards')
      },
    },
  ])
  const socket = net.open()
  ask(socket, HOT)
  equal(framesIn(socket.output()).length, 1)
})

test('a one-way request is never answered, whatever becomes of it', async () => {
  const { net, clock, done } = serve([
    hot,
    echo,
    admin(() => {
      throw new Error('bad')
    }),
    handler({
      code: LATER,
      lane: 'pull',
      permission: 'client',
      header: {},
      handle: () => Promise.resolve(success()),
    }),
  ])
  const socket = net.open()
  for (const code of [HOT, ECHO, ADMIN, LATER, 9_999]) ask(socket, code, { flag: FrameFlag.ONEWAY })
  await Promise.resolve()
  clock.settle()
  equal(socket.writes, 0)
  deepEqual(done, [
    [ADMIN, 1],
    [LATER, 0],
  ])
})

test('a handler may answer later, once; its request counts as unanswered meanwhile', () => {
  const parked: Request<unknown>[] = []
  const { net, clock, server, log } = serve([
    admin((request) => {
      parked.push(request)
      return null
    }),
  ])
  const socket = net.open()
  ask(socket, ADMIN, { opaque: 5 })
  const [connection] = server.connections
  equal(connection!.unanswered, 1)
  parked[0]!.reply(refuse(ResponseCode.NO_PERMISSION, 'no'))
  parked[0]!.reply(success())
  equal(connection!.unanswered, 0)
  equal(socket.writes, 0)
  clock.turn()
  const answers = framesIn(socket.output())
  deepEqual(
    answers.map(({ opaque, code }) => [opaque, code]),
    [[5, ResponseCode.NO_PERMISSION]],
  )
  equal(
    log.events.some(({ event }) => event === 'request_answered_twice'),
    true,
  )
})

test('answers to a connection that is gone go nowhere', () => {
  const parked: Request<unknown>[] = []
  const { net, clock, server } = serve([
    admin((request) => {
      parked.push(request)
      return null
    }),
  ])
  const socket = net.open()
  ask(socket, ADMIN)
  ask(socket, ADMIN)
  const [connection] = server.connections
  let closed = 0
  connection!.onClose(() => closed++)
  socket.peerCloses()
  for (const request of parked) request.reply(success())
  connection!.reserve(100)
  connection!.commit(50)
  clock.settle()
  equal(closed, 1)
  equal(connection!.unanswered, 0)
  equal(server.connections.size, 0)
  deepEqual([...server.closings], [['peer_closed', 1]])
  connection!.onClose(() => closed++)
  clock.settle()
  equal(closed, 2)
})

test('the server asks its clients over the same socket, with opaques of its own', () => {
  const { net, clock, server } = serve([hot])
  const socket = net.open()
  const [connection] = server.connections
  const heard: unknown[] = []
  const hear = (error: ApogeeError | null, response: { body: Buffer } | null): void => {
    heard.push(error?.code ?? response!.body.toString())
  }
  for (let i = 0; i < 3; i++) connection!.request(307, null, null, 1_000, hear)
  connection!.oneway(40, new Map([['consumerGroup', 'g']]), null)
  clock.settle()
  const asked = framesIn(socket.output())
  deepEqual(
    asked.map(({ code, flag }) => [code, flag]),
    [
      [307, 0],
      [307, 0],
      [307, 0],
      [40, FrameFlag.ONEWAY],
    ],
  )
  const [first, second, third] = asked.map(({ opaque }) => opaque)
  equal(new Set([first, second, third]).size, 3)
  ask(socket, HOT, { opaque: first })
  const answer = (opaque: number | undefined, text: string): void =>
    ask(socket, 0, { opaque: opaque!, flag: FrameFlag.RESPONSE, body: Buffer.from(text) })
  answer(second, 'two')
  answer(second, 'two again')
  answer(77_777, 'nobody asked')
  clock.advance(1_100)
  answer(first, 'too late')
  deepEqual(heard, ['two', 'REMOTING_TIMEOUT', 'REMOTING_TIMEOUT'])
  connection!.request(307, null, null, 1_000, hear)
  socket.peerCloses()
  connection!.request(307, null, null, 1_000, hear)
  equal(heard.length, 4)
  clock.settle()
  deepEqual(heard.slice(3), ['REMOTING_CLOSED', 'REMOTING_CLOSED'])
})

test('stop answers what is in flight, then closes', async () => {
  const parked: Request<unknown>[] = []
  const { net, clock, server } = serve([
    admin((request) => {
      parked.push(request)
      return null
    }),
  ])
  const idle = net.open()
  const waiting = net.open()
  const stuck = net.open()
  ask(waiting, ADMIN)
  ask(stuck, ADMIN)
  let stopped = false
  const stop = server.stop(1_000).then(() => {
    stopped = true
  })
  equal(idle.ended, true)
  equal(waiting.ended, false)
  equal(waiting.paused, true)
  equal(net.open().gone, true)
  idle.peerCloses()
  parked[0]!.reply(success())
  clock.advance(20)
  equal(framesIn(waiting.output()).length, 1)
  equal(waiting.ended, true)
  waiting.peerCloses()
  clock.advance(900)
  equal(stuck.gone, false)
  clock.advance(200)
  equal(stuck.gone, true)
  await stop
  equal(stopped, true)
  equal(server.connections.size, 0)
})
