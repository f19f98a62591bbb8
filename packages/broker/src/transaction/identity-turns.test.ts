import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { IdentityTurns } from './identity-turns.ts'

test('tasks of one transaction run one after the other, those of others meanwhile', async () => {
  const turns = new IdentityTurns()
  const order: string[] = []
  const open: (() => void)[] = []
  const task = (name: string) => (): Promise<string> => {
    order.push(name)
    return new Promise((resolve) => open.push(() => resolve(name)))
  }
  const first = turns.run(1, task('a'))
  const second = turns.run(1, task('b'))
  const other = turns.run(2, task('c'))
  deepEqual(order, ['a', 'c'])
  open[0]!()
  equal(await first, 'a')
  await Promise.resolve()
  deepEqual(order, ['a', 'c', 'b'])
  equal(turns.isBusy(1), true)
  open[1]!()
  open[2]!()
  equal(await second, 'b')
  equal(await other, 'c')
  deepEqual([turns.isBusy(1), turns.isBusy(2)], [false, false])
})

test('a task that fails lets the next one go on', async () => {
  const turns = new IdentityTurns()
  const failing = turns.run(1, () => Promise.reject(new Error('no')))
  const next = turns.run(1, () => Promise.resolve('yes'))
  await rejects(failing, /no/)
  equal(await next, 'yes')
  equal(turns.isBusy(1), false)
})
