import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { CallBack } from './call-back.ts'

test('a reader whose offset was set forward or back is called once for it', () => {
  const callBack = new CallBack()
  const script: [committed: number, offset: number, isCalled: boolean][] = [
    [-1, 5, false],
    [10, 40, false],
    [30, 60, false],
    [500, 70, true],
    [500, 80, false],
    [500, 500, false],
    [510, 540, false],
    [20, 550, true],
    [20, 560, false],
    [600, 560, true],
  ]
  const seen = script.map(([committed, offset]) => [
    committed,
    offset,
    callBack.wants('g', 'orders', 0, committed, offset),
  ])
  deepEqual(seen, script)
  deepEqual(callBack.wants('g', 'orders', 1, 7, 8), false)
})
