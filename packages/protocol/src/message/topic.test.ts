import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed, Malformed } from '@apogee/base'
import fc from 'fast-check'
import { DEFAULT_DELAY_LEVELS, parseDelayLevels } from './delay-level.ts'
import { formatPerm, isValidPerm, PermName } from './perm-name.ts'
import {
  dlqTopicOf,
  groupOfRetryOrDlqTopic,
  isNotAllowedSendTopic,
  isSystemGroup,
  isSystemTopic,
  replyTopicOf,
  retryTopicOf,
  SystemTopic,
  validateGroup,
  validateTopic,
} from './topic.ts'

test('topic and group names have the limits of RocketMQ', () => {
  const cases: [name: string, topic: string | null, group: string | null][] = [
    ['TopicTest', null, null],
    ['%RETRY%a-b_c|0', null, null],
    ['', 'TOPIC_BLANK', 'GROUP_BLANK'],
    [' \t', 'TOPIC_BLANK', 'GROUP_BLANK'],
    ['a b', 'TOPIC_ILLEGAL_CHARACTER', 'GROUP_ILLEGAL_CHARACTER'],
    ['../etc', 'TOPIC_ILLEGAL_CHARACTER', 'GROUP_ILLEGAL_CHARACTER'],
    ['a/b', 'TOPIC_ILLEGAL_CHARACTER', 'GROUP_ILLEGAL_CHARACTER'],
    ['a\0', 'TOPIC_ILLEGAL_CHARACTER', 'GROUP_ILLEGAL_CHARACTER'],
    ['ü', 'TOPIC_ILLEGAL_CHARACTER', 'GROUP_ILLEGAL_CHARACTER'],
    ['x'.repeat(120), null, null],
    ['x'.repeat(121), null, 'GROUP_TOO_LONG'],
    ['x'.repeat(127), null, 'GROUP_TOO_LONG'],
    ['x'.repeat(128), 'TOPIC_TOO_LONG', 'GROUP_TOO_LONG'],
    [retryTopicOf('x'.repeat(248)), null, 'GROUP_TOO_LONG'],
    [retryTopicOf('x'.repeat(249)), 'TOPIC_TOO_LONG', 'GROUP_TOO_LONG'],
    [dlqTopicOf('x'.repeat(250)), null, 'GROUP_TOO_LONG'],
  ]
  for (const [name, topic, group] of cases) {
    assert.equal(validateTopic(name)?.code ?? null, topic, name)
    assert.equal(validateGroup(name)?.code ?? null, group, name)
  }
})

test('a valid name is a plain file name', () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom('a', '-', '%', '.', '/', '\\', '\0', ' ', 'ü'),
        maxLength: 5,
      }),
      (name) => {
        if (validateTopic(name) === null) assert.match(name, /^[%|a-zA-Z0-9_-]+$/)
      },
    ),
    { numRuns: 1000 },
  )
})

test('system topics and groups are known', () => {
  assert.ok(isSystemTopic('TBW102') && isSystemTopic('rmq_sys_anything'))
  assert.ok(!isSystemTopic('TopicTest'))
  assert.ok(isNotAllowedSendTopic(SystemTopic.SCHEDULE))
  assert.ok(!isNotAllowedSendTopic(SystemTopic.BENCHMARK))
  assert.ok(isSystemGroup('CID_RMQ_SYS_TRANS'))
  assert.equal(replyTopicOf('DefaultCluster'), 'DefaultCluster_REPLY_TOPIC')
  assert.equal(groupOfRetryOrDlqTopic('%RETRY%g'), 'g')
  assert.equal(groupOfRetryOrDlqTopic('%DLQ%g'), 'g')
  assert.equal(groupOfRetryOrDlqTopic('T'), null)
})

test('permissions print as RWX', () => {
  assert.equal(formatPerm(PermName.READ | PermName.WRITE), 'RW-')
  assert.equal(formatPerm(7), 'RWX')
  assert.equal(formatPerm(0), '---')
  assert.deepEqual([-1, 0, 7, 8, 1.5].map(isValidPerm), [false, true, true, false, false])
})

test('delay levels are read with their units', () => {
  const levels = parseDelayLevels(DEFAULT_DELAY_LEVELS)
  assert.ok(!isMalformed(levels))
  assert.equal(levels.maxLevel, 18)
  assert.deepEqual(
    [1, 5, 18, 19, 0].map((level) => levels.delayMs(level)),
    [1000, 60_000, 7_200_000, 1000, 1000],
  )
  assert.equal(levels.clamp(99), 18)
  assert.equal(levels.queueIdOf(3), 2)
  const days = parseDelayLevels('1d')
  assert.ok(!isMalformed(days) && days.delayMs(1) === 86_400_000)
  for (const text of ['', ' ', '1', 's', '1s x', '1.5s', '-1s', '1S', '9999999999999999d']) {
    assert.ok(parseDelayLevels(text) instanceof Malformed, text)
  }
})
