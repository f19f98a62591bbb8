import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { CliIo } from './io.ts'
import { Session, throwIfInterrupted } from './session.ts'

type Listener = (signal: 'SIGINT' | 'SIGTERM') => void
const noSignal: Listener = () => {}

/** A session whose signals and clock the test holds. */
function held() {
  const closed = new AbortController()
  const forced: number[] = []
  const state = { nowMs: 0, signal: noSignal, isListening: false }
  const io = {
    out: { closed: closed.signal },
    now: () => state.nowMs,
    onSignal: (listener: typeof state.signal) => {
      state.signal = listener
      state.isListening = true
      return () => {
        state.isListening = false
      }
    },
  } as unknown as CliIo
  return { session: new Session(io, (code) => forced.push(code)), state, forced, closed }
}

/** Ends with the signal: as a member of a group that drains. */
function untilAborted(signal: AbortSignal): Promise<number> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(0)))
}

test('the first signal asks the task to end, which may be a success', async () => {
  const { session, state, forced } = held()
  const done = session.perform(untilAborted)
  state.signal('SIGINT')
  await done
  equal(session.exitCode, 0)
  deepEqual(forced, [])
  equal(state.isListening, false)
})

test('a second signal forces, but the same one passed on twice does not', async () => {
  const { session, state, forced } = held()
  const task = Promise.withResolvers<number>()
  const done = session.perform(() => task.promise)
  state.signal('SIGINT')
  state.nowMs = 100
  state.signal('SIGINT')
  deepEqual(forced, [])
  state.nowMs = 1_000
  state.signal('SIGTERM')
  deepEqual(forced, [143])
  task.resolve(0)
  await done
})

test('a task that a signal must not end with success rejects with its exit code', async () => {
  const { session, state } = held()
  const done = session.perform(async (signal) => {
    await untilAborted(signal)
    throwIfInterrupted(signal)
    return 0
  })
  state.signal('SIGTERM')
  await rejects(done, { code: 'CLI_INTERRUPTED', exitCode: 143 })
})

test('what fails because nobody reads any more has not failed', async () => {
  const { session, closed } = held()
  const done = session.perform(async (signal) => {
    await untilAborted(signal)
    throw new Error('cannot write')
  })
  closed.abort()
  await done
  equal(session.exitCode, 0)
})

test('a failure is the caller’s to tell', async () => {
  const { session } = held()
  await rejects(
    session.perform(() => Promise.reject(new Error('boom'))),
    /boom/,
  )
  equal(session.exitCode, null)
})
