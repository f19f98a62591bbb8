import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { diskFailure } from '../disk-failure.ts'
import { isErrno } from './open-file.ts'

test('an error of another realm, as under Jest, is known by its code', () => {
  const foreign: unknown = runInNewContext(`Object.assign(new Error('gone'), { code: 'ENOENT' })`)
  equal(foreign instanceof Error, false)
  equal(isErrno(foreign, 'ENOENT'), true)
  equal(diskFailure(foreign, 'open', '/f').code, 'ENOENT')
  for (const thrown of [null, undefined, 'ENOENT', new Error('bug')]) {
    equal(isErrno(thrown, 'ENOENT'), false)
    throws(
      () => diskFailure(thrown, 'open', '/f'),
      (error) => error === thrown,
    )
  }
})
