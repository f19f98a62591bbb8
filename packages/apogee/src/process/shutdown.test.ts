import { deepEqual, equal } from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Logger } from 'pino'
import { ExitCode } from '../commands/options.ts'
import { Shutdown } from './shutdown.ts'

interface Ending {
  shutdown: Shutdown
  graces: number[]
  exits: number[]
  /** Of `shutdown_finished`. */
  clean: unknown[]
}

function ending(t: TestContext, stop: () => Promise<void> = () => Promise.resolve()): Ending {
  const graces: number[] = []
  const exits: number[] = []
  const clean: unknown[] = []
  t.mock.method(process, 'exit', (code: number) => exits.push(code))
  const take = (fields: { event: string; clean?: boolean }): void => {
    if (fields.event === 'shutdown_finished') clean.push(fields.clean)
  }
  const log = { info: take, warn: take, error: take } as unknown as Logger
  const part = {
    name: 'broker',
    stop: (graceMs: number) => {
      graces.push(graceMs)
      return stop()
    },
  }
  const shutdown = new Shutdown(10_000, { log, parts: () => [part], started: () => null })
  return { shutdown, graces, exits, clean }
}

test('a failed store ends the process at once with code 1, and nobody calls that clean', async (t) => {
  const { clean, exits, graces, shutdown } = ending(t)
  shutdown.begin('store failed', ExitCode.FAILURE)
  await setImmediate()
  deepEqual(graces, [0])
  deepEqual(exits, [1])
  deepEqual(clean, [false])
})

test('a signal gives parts the whole grace, and ends with 0', async (t) => {
  const { clean, exits, graces, shutdown } = ending(t)
  shutdown.begin('SIGTERM', 0)
  await setImmediate()
  equal(graces[0]! > 9000, true)
  deepEqual(exits, [0])
  deepEqual(clean, [true])
})

test('a part that could not write everything makes that unclean, and the code 1', async (t) => {
  const { clean, exits, shutdown } = ending(t, () => Promise.reject(new Error('not written')))
  shutdown.begin('SIGTERM', 0)
  await setImmediate()
  deepEqual(exits, [1])
  deepEqual(clean, [false])
})

test('a store that fails while it is drained ends that with 1, however soon after the signal', async (t) => {
  const { exits, shutdown } = ending(t, () => new Promise(() => {}))
  shutdown.begin('SIGTERM', 0)
  await setImmediate()
  shutdown.begin('store failed', ExitCode.FAILURE)
  equal(exits[0], 1)
})
