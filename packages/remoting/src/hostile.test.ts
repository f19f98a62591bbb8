import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { RequestCode } from '@apogee/protocol'
import fc from 'fast-check'
import { handler, succeedWith, success } from './mod.ts'
import {
  type FakeServer,
  type FakeSocket,
  frameOf,
  framesIn,
  hotHandler,
  serve,
} from './test-support.ts'

const SEND = RequestCode.SEND_MESSAGE_V2
const Header = { topic: 'string', queueId: 'int', offset: 'long?', on: 'boolean=true' } as const

const typed = handler({
  code: RequestCode.GET_MAX_OFFSET,
  lane: 'admin',
  permission: 'client',
  header: Header,
  handle: (request) => succeedWith(Header, request.header, request.body),
})

/** Bytes that once were frames, with something wrong; or never were any. */
function hostileBytes(random: Prng): Buffer {
  const fields = new Map([
    ['topic', 'é"\\\u0001'.repeat(random.below(20))],
    ['queueId', String(random.next())],
    ['__proto__', 'x'],
  ])
  const codes = [SEND, typed.code, 9_999, 200_050]
  const frame = frameOf({
    code: codes[random.below(codes.length)]!,
    opaque: random.next() | 0,
    flag: random.below(8),
    serializeType: random.chance(0.5) ? 1 : 0,
    remark: random.chance(0.3) ? 'remark' : null,
    fields: random.chance(0.7) ? fields : null,
    body: Buffer.alloc(random.below(2_000), random.below(256)),
  })
  const kind = random.below(4)
  if (kind === 0) return frame
  if (kind === 1) return frame.subarray(0, random.below(frame.length))
  if (kind === 2) {
    for (let i = random.below(10); i >= 0; i--) {
      frame[random.below(Math.min(frame.length, 300))] = random.below(256)
    }
    return frame
  }
  return Buffer.from(Array.from({ length: random.below(200) }, () => random.below(256)))
}

function attack(socket: FakeSocket, random: Prng): void {
  for (let i = random.below(6); i >= 0 && !socket.gone; i--) {
    const bytes = hostileBytes(random)
    const cut = random.below(bytes.length + 1)
    socket.deliver(Buffer.from(bytes.subarray(0, cut)))
    socket.deliver(Buffer.from(bytes.subarray(cut)))
  }
}

test('hostile bytes never throw or leave anything behind, and an honest client is served meanwhile', () => {
  const closings = new Map<string, number>()
  // fast-check prints the seed of a run that fails.
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const { server, log, honest } = siege(new Prng(seed), 60)
      equal(log.events.filter(({ event }) => event === 'handler_failed').length, 0)
      equal(honest.gone, false)
      equal(server.refused, 0)
      for (const [reason, count] of server.closings) {
        closings.set(reason, (closings.get(reason) ?? 0) + count)
      }
    }),
    { numRuns: 30 },
  )
  for (const reason of ['frame_malformed', 'frame_incomplete', 'no_first_frame', 'peer_closed']) {
    ok((closings.get(reason) ?? 0) > 0, `nobody was closed for ${reason}`)
  }
})

function siege(random: Prng, rounds: number): FakeServer & { honest: FakeSocket } {
  const fake = serve([hotHandler(SEND, 'send', 10), typed], {
    firstFrameMs: 100,
    frameAssemblyMs: 100,
  })
  const { net, clock } = fake
  const honest = net.open('10.0.0.8')
  for (let round = 0; round < rounds; round++) {
    const socket = net.open('10.6.6.6')
    attack(socket, random)
    clock.settle()
    // What it answered is well-formed, whatever was asked.
    framesIn(socket.output())
    honest.deliver(frameOf({ code: SEND, opaque: round }))
    deepEqual(
      framesIn(honest.output()).map(({ opaque, code }) => [opaque, code]),
      [[round, 0]],
    )
    if (random.chance(0.05)) clock.advance(200)
    if (random.chance(0.2)) socket.peerCloses()
  }
  return { ...fake, honest }
}

test('field names that JavaScript objects trip over are just fields', () => {
  const { net } = serve([
    handler({
      code: typed.code,
      lane: 'admin',
      permission: 'client',
      header: {},
      handle: (request) => success(Buffer.from(JSON.stringify([...request.fields]))),
    }),
  ])
  const socket = net.open()
  const pairs: [string, string][] = [
    ['__proto__', '{"polluted":true}'],
    ['constructor', 'c'],
    ['toString', 't'],
  ]
  for (const serializeType of [0, 1] as const) {
    socket.deliver(frameOf({ code: typed.code, opaque: 1, serializeType, fields: new Map(pairs) }))
    const [answer] = framesIn(socket.output())
    deepEqual(JSON.parse(answer!.body!.toString()), pairs)
  }
  equal(({} as { polluted?: boolean }).polluted, undefined)
})
