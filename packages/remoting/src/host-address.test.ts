import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressBytes, hostAndPort, parseAddress } from './mod.ts'

test('addresses become the bytes RocketMQ stores', () => {
  const cases: [string, number[]][] = [
    ['10.0.0.255', [10, 0, 0, 255]],
    ['::ffff:10.0.0.1', [10, 0, 0, 1]],
    ['::1', [...Array.from({ length: 15 }, () => 0), 1]],
    ['fe80::1:2%eth0', [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2]],
    ['64:ff9b::1.2.3.4', [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]],
  ]
  for (const [text, bytes] of cases) deepEqual([...addressBytes(text)], bytes, text)
  for (const bad of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', '::1::', '1:2:3', 'x', '12345::']) {
    deepEqual([...addressBytes(bad)], [0, 0, 0, 0], bad)
  }
})

test('any text gives four or sixteen bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'0 1 9 a f : . %'.split(' ')) }), (text) => {
      equal([4, 16].includes(addressBytes(text).length), true)
    }),
  )
  fc.assert(
    fc.property(fc.ipV6(), (text) => equal([4, 16].includes(addressBytes(text).length), true)),
  )
})

test('an address is printed as it can be parsed', () => {
  equal(hostAndPort('::ffff:10.0.0.1', 9876), '10.0.0.1:9876')
  equal(hostAndPort('::1', 9876), '[::1]:9876')
  deepEqual(parseAddress('[::1]:9876'), { host: '::1', port: 9876 })
  deepEqual(parseAddress(' broker-a.local:10911 '), { host: 'broker-a.local', port: 10911 })
  for (const bad of ['::1:9876', 'a:65536', 'a:', ':1', 'a:b', '']) equal(parseAddress(bad), null)
})
