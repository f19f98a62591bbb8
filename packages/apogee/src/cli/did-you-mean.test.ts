import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean } from './did-you-mean.ts'

test('the nearest candidate is meant, when it is near enough', () => {
  equal(didYouMean('bdy', ['body', 'broker', 'base64']), 'body')
  equal(didYouMean('PROD', ['prod', 'dev']), 'prod')
  equal(didYouMean('storeHots', ['storeHost', 'bornHost']), 'storeHost')
})

test('what resembles nothing means nothing', () => {
  equal(didYouMean('xyz', ['body', 'broker']), null)
  equal(didYouMean('a', ['b', 'cd']), null)
  equal(didYouMean('staging', []), null)
})
