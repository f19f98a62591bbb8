import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { AssertionError } from '@apogee/base'
import { type Handler, HandlerRegistry, handler, success } from './mod.ts'
import { hotHandler } from './test-support.ts'

const typed = (code: number): Handler =>
  handler({ code, lane: 'admin', permission: 'admin', header: {}, handle: () => success() })

test('a registry finds handlers of small and of large codes, and no others', () => {
  const hot = hotHandler(310, 'send', 0)
  const popped = hotHandler(200_050, 'pull', 0)
  const registry = new HandlerRegistry().add(typed(200_051), hot, typed(0), popped)
  deepEqual(
    registry.list().map(({ code }) => code),
    [0, 310, 200_050, 200_051],
  )
  equal(registry.frameHandler(310), hot)
  equal(registry.frameHandler(200_050), popped)
  for (const code of [0, 200_051, 1, -1, 4_095, 4_096])
    equal(registry.frameHandler(code), undefined)
  for (const code of [1, -1, 311, 200_052]) equal(registry.get(code), undefined)
})

test('a second handler of a code is a bug', () => {
  const registry = new HandlerRegistry().add(typed(10))
  throws(() => registry.add(typed(10)), AssertionError)
  throws(() => registry.add(typed(-1)), AssertionError)
})

test('a registry without some codes leaves the original as it was', () => {
  const registry = new HandlerRegistry().add(typed(10), typed(11), typed(200_050))
  const less = registry.without([11, 200_050, 999])
  deepEqual(
    less.list().map(({ code }) => code),
    [10],
  )
  equal(registry.list().length, 3)
})
