import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import {
  DEFAULT_FLOW_LIMITS,
  decideFlow,
  FLOW_LIMITS_MAX,
  type FlowState,
  resolveFlowLimits,
} from './flow-control.ts'

const full: FlowState = { count: 1_000, bytes: 100 * 1024 * 1024, span: 2_000 }

test('a queue may hold all that its limits say, and is asked for no more above them', () => {
  const decide = (change: Partial<FlowState>, isOrdered = false): string =>
    decideFlow(DEFAULT_FLOW_LIMITS, { ...full, ...change }, isOrdered)
  equal(decide({}), 'ok')
  equal(decide({ count: 1_001 }), 'messages')
  equal(decide({ bytes: full.bytes + 1 }), 'bytes')
  equal(decide({ span: 2_001 }), 'span')
  equal(decide({ span: 2_001 }, true), 'ok', 'ordered consumption ends from the front')
  equal(decide({ bytes: full.bytes + 1 }, true), 'bytes')
})

test('prefetch says its limits in whole numbers, each with its default', () => {
  deepEqual(resolveFlowLimits(undefined), DEFAULT_FLOW_LIMITS)
  deepEqual(resolveFlowLimits({ bytes: 1 }), { ...DEFAULT_FLOW_LIMITS, bytes: 1 })
  deepEqual(resolveFlowLimits(FLOW_LIMITS_MAX), FLOW_LIMITS_MAX)
  for (const name of ['messages', 'bytes', 'span'] as const) {
    for (const value of [0, -1, 1.5, Number.NaN, FLOW_LIMITS_MAX[name] + 1]) {
      throws(() => resolveFlowLimits({ [name]: value }), { code: 'RMQ_INVALID_ARGUMENT' })
    }
  }
})
