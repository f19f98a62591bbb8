import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { RequestCode } from '@apogee/protocol'
import fc from 'fast-check'
import { OUTPUT_CHUNK_SIZE } from './output-pool.ts'
import { frameOf, framesIn, hotHandler, noAgeLimits, parking, serve } from './test-support.ts'

const SEND = RequestCode.SEND_MESSAGE_V2
const PULL = RequestCode.PULL_MESSAGE
const KIB = 1024

type Step =
  | { kind: 'deliver'; bytes: number }
  | { kind: 'stick' }
  | { kind: 'take'; tells: boolean }
  | { kind: 'finish'; count: number }
  | { kind: 'pass'; ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('deliver' as const), bytes: fc.nat(900) }),
  },
  fc.record({ kind: fc.constant('stick' as const) }),
  fc.record({ kind: fc.constant('take' as const), tells: fc.boolean() }),
  fc.record({ kind: fc.constant('finish' as const), count: fc.nat(6) }),
  fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(200) }),
)

const scripts = fc.array(step, { maxLength: 120, size: 'max' })
/** Which of the requests are sends, that park: few, or that pause hides the others. */
const sends = fc.array(fc.nat(7), { maxLength: 60, size: 'max' })

const limits = {
  unansweredPerConnectionMax: 4,
  inFlightBytesMax: 30 * KIB,
  inputPauseBytes: 2 * KIB,
  laneAgeLimitMs: noAgeLimits,
  sliceMs: 1,
  firstFrameMs: 1e6,
  frameAssemblyMs: 1e6,
  outputStalledMs: 1e6,
}

/** With the small one that pause comes first, with the large one the pause for the total. */
const outputPauses = fc.constantFrom(20 * KIB, 200 * KIB)

/** What waits is looked at once a turn or once a chunk, so one chunk may come on top. */
const SLACK = OUTPUT_CHUNK_SIZE + 4 * KIB

test('through any sequence of pauses nothing is lost, doubled or put out of order, and it all ends', () => {
  fc.assert(
    fc.property(scripts, sends, outputPauses, (steps, lots, outputPauseBytes) => {
      const kinds = lots.map((lot) => lot === 0)
      const { send, finish, parked } = parking()
      const pull = hotHandler(PULL, 'pull', 3 * KIB, () => (clock.nowMs += 0.1))
      const { net, clock, server } = serve([send, pull], { ...limits, outputPauseBytes })
      const socket = net.open()
      const wire = Buffer.concat(
        kinds.map((isSend, opaque) => frameOf({ code: isSend ? SEND : PULL, opaque })),
      )
      let at = 0
      const deliver = (bytes: number): void => {
        // A paused socket still delivers what was under way.
        socket.deliver(wire.subarray(at, at + bytes))
        at += bytes
      }
      for (const one of steps) {
        if (one.kind === 'deliver') deliver(one.bytes)
        else if (one.kind === 'stick') socket.stuck = true
        else if (one.kind === 'finish') finish(one.count)
        else if (one.kind === 'pass') clock.advance(one.ms)
        else {
          socket.stuck = false
          if (one.tells) socket.drain()
          else socket.take()
        }
        ok(parked.length <= 4, `${parked.length} parked`)
        const pending = socket.pendingBytes
        ok(pending < outputPauseBytes + SLACK, `${pending} bytes pending`)
      }
      socket.drain()
      for (let i = 0; i < 200; i++) {
        deliver(500)
        finish(4)
        clock.advance(60)
      }
      const answers = framesIn(socket.output()).map(({ opaque }) => opaque)
      const all = kinds.map((_, opaque) => opaque)
      for (const isSend of [true, false]) {
        const mine = (opaque: number): boolean => kinds[opaque] === isSend
        deepEqual(answers.filter(mine), all.filter(mine))
      }
      const [connection] = server.connections
      equal(connection!.pauses, 0)
      equal(socket.paused, false)
    }),
    { numRuns: 400 },
  )
})
