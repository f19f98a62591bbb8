import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { hotFunctions } from './cpu-profile.ts'

const node = (id: number, functionName: string, url = '') => ({
  id,
  callFrame: { functionName, url, lineNumber: 4 },
})

test('own time is summed by function over profiles, and idle time is nobody’s', () => {
  const url = 'file:///somewhere/packages/store/src/a.ts'
  const one = {
    nodes: [node(1, '(root)'), node(2, '(idle)'), node(3, 'write', url), node(4, '')],
    samples: [1, 2, 3, 4, 3],
    timeDeltas: [5, 100, 10, 20, 30],
  }
  const other = { nodes: [node(9, 'write', url)], samples: [9], timeDeltas: [40] }
  deepEqual(hotFunctions([one, other]), [
    { name: 'write packages/store/src/a.ts:5', share: 0.8 },
    { name: '(anonymous)', share: 0.2 },
  ])
})
