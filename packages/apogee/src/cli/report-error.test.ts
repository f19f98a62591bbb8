import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { ApogeeError } from '@apogee/base'
import { CliError, CliErrorCode } from './cli-error.ts'
import { describeError } from './report-error.ts'

/** As the client's and admin's errors are. */
function coded(code: string, more: object = {}): Error {
  return Object.assign(new Error(`about ${code}`), { code, ...more })
}

test('every kind of error has the exit code that scripts rely on', () => {
  const codes = {
    ADMIN_USAGE: 2,
    RMQ_INVALID_ARGUMENT: 2,
    RMQ_BAD_EXPRESSION: 2,
    CONFIG_UNKNOWN_KEY: 3,
    BROKER_ROLE_INVALID: 3,
    BROKER_ROLE_UNSUPPORTED: 3,
    ADMIN_NAMESRV_UNREACHABLE: 4,
    RMQ_NAMESERVER_UNREACHABLE: 4,
    RMQ_BROKER_UNREACHABLE: 4,
    RMQ_SEND_TIMEOUT: 4,
    ADMIN_TOPIC_NOT_FOUND: 1,
    CONFIG_FILE_DAMAGED: 1,
    RMQ_SEND_FAILED: 1,
  }
  for (const [code, exitCode] of Object.entries(codes)) {
    equal(describeError(coded(code)).exitCode, exitCode, code)
  }
  equal(describeError(new CliError(CliErrorCode.CONTEXT_NOT_FOUND, 'x')).exitCode, 3)
  equal(describeError(new CliError(CliErrorCode.TIMED_OUT, 'x')).exitCode, 4)
})

test('a send that failed because nobody could be reached counts as that', () => {
  const error = coded('RMQ_SEND_FAILED', { cause: coded('RMQ_BROKER_UNREACHABLE') })
  equal(describeError(error).exitCode, 4)
})

test('a report is one line, with a hint: its own, or that of its code', () => {
  const own = coded('ADMIN_TOPIC_NOT_FOUND', { hint: 'mine', responseCode: 17, retriable: false })
  deepEqual(describeError(own).report, {
    code: 'ADMIN_TOPIC_NOT_FOUND',
    message: 'about ADMIN_TOPIC_NOT_FOUND',
    hint: 'mine',
    responseCode: 17,
    retriable: false,
  })
  match(describeError(coded('ADMIN_TOPIC_NOT_FOUND')).report.hint ?? '', /topic list/)
  equal(describeError(new ApogeeError('STORE_LOCKED', 'a\n  b\r\nc')).report.message, 'a b c')
})

test('what nobody explained is unexpected, and its causes are in the stack', () => {
  const found = describeError(coded('ENOENT', { cause: new Error('below') }))
  equal(found.isUnexpected, true)
  equal(found.report.code, 'INTERNAL')
  match(found.stack, /caused by Error: below/)
  equal(describeError('a text').report.message, 'a text')
  equal(describeError(undefined).exitCode, 1)
})
