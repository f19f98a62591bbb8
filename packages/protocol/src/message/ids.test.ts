import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed, Malformed } from '@apogee/base'
import fc from 'fast-check'
import { addressBytes, formatAddress, formatHost, hostBytes, parseHost, readHost } from './host.ts'
import {
  formatOffsetMsgId,
  offsetMsgIdSize,
  parseOffsetMsgId,
  writeOffsetMsgId,
} from './message-id.ts'
import { parseUniqKey, UniqKeySource, uniqKeyTimeMs } from './uniq-key.ts'

test('addresses of both kinds become bytes and short text', () => {
  const cases: [text: string, hex: string | null, short?: string][] = [
    ['127.0.0.1', '7f000001'],
    ['255.255.255.255', 'ffffffff'],
    ['1.2.3', null],
    ['1.2.3.256', null],
    ['1.2.3.4.5', null],
    ['localhost', null],
    ['', null],
    ['::', '0'.repeat(32)],
    ['::1', `${'0'.repeat(31)}1`],
    ['2001:DB8:0:0:0:0:0:1', '20010db8000000000000000000000001', '2001:db8::1'],
    ['1:0:0:2:0:0:0:3', '00010000000000020000000000000003', '1:0:0:2::3'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ['1:0:3:4:5:6:7:8', '00010000000300040005000600070008'],
    ['fe80::1%eth0', 'fe800000000000000000000000000001', 'fe80::1'],
    ['64:ff9b::1.2.3.4', '0064ff9b000000000000000001020304', '64:ff9b::102:304'],
    ['::ffff:1.2.3.4', '01020304', '1.2.3.4'],
    ['::ffff:102:304', '01020304', '1.2.3.4'],
    ['1::2::3', null],
    ['1:2:3:4:5:6:7', null],
    ['1:2:3:4:5:6:7:8:9', null],
    ['1:2:3:4:5:6:7:8::', null],
    [':1:2:3:4:5:6:7', null],
    ['12345::', null],
    ['1.2.3.4::', null],
    [':::', null],
  ]
  for (const [text, hex, short] of cases) {
    const bytes = addressBytes(text)
    assert.equal(bytes === null ? null : Buffer.from(bytes).toString('hex'), hex, text)
    if (bytes !== null) assert.equal(formatAddress(bytes, 0, bytes.length), short ?? text)
  }
})

test('hosts survive a round trip as bytes and as text', () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6())
  fc.assert(
    fc.property(address, fc.integer({ min: 0, max: 65535 }), (text, port) => {
      const bytes = hostBytes({ address: text, port })
      assert.ok(bytes !== null, text)
      const host = readHost(bytes, 0, bytes.length)
      assert.ok(host !== null)
      assert.deepEqual(hostBytes(host), bytes)
      assert.deepEqual(parseHost(formatHost(host)), host)
    }),
  )
})

test('no text makes a host parser throw, and wrong ports are refused', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f:.%[\]]{0,30}$/), (text) => {
      const host = parseHost(text)
      if (host !== null) assert.ok(hostBytes(host) !== null)
      addressBytes(text)
    }),
  )
  for (const text of ['1.2.3.4', '1.2.3.4:', '1.2.3.4:65536', '::1:80', '[::1]', 'a:80', ':80']) {
    assert.equal(parseHost(text), null, text)
  }
  assert.equal(hostBytes({ address: '1.2.3.4', port: 65536 }), null)
  assert.equal(readHost(Buffer.from('0102030400010000', 'hex'), 0, 8), null)
})

test('an offsetMsgId is address, port and offset in hex', () => {
  const v4 = formatOffsetMsgId({ address: '10.0.0.2', port: 10911 }, 0x12_3456_789a)
  assert.equal(v4, '0A00000200002A9F000000123456789A')
  const v6 = formatOffsetMsgId({ address: '2001:db8::1', port: 10911 }, 4711)
  assert.equal(v6, '20010DB800000000000000000000000100002A9F0000000000001267')
  assert.deepEqual(parseOffsetMsgId(v4.toLowerCase()), {
    storeHost: { address: '10.0.0.2', port: 10911 },
    physicalOffset: 0x12_3456_789a,
  })
  assert.deepEqual(parseOffsetMsgId(v6), {
    storeHost: { address: '2001:db8::1', port: 10911 },
    physicalOffset: 4711,
  })
})

test('an offsetMsgId survives a round trip up to 2^53', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.maxSafeNat(), (address, physicalOffset) => {
      const host = hostBytes({ address, port: 1 })!
      const into = Buffer.alloc(offsetMsgIdSize(host.length) + 2)
      assert.equal(writeOffsetMsgId(into, 1, host, 0, host.length, physicalOffset), 33)
      const id = parseOffsetMsgId(into.toString('latin1', 1, 33))
      assert.deepEqual(id, { storeHost: { address, port: 1 }, physicalOffset })
    }),
  )
})

test('what is no id is refused with a code', () => {
  const hex = fc.stringMatching(/^[0-9A-Fa-f]{32}$|^[0-9A-Fa-f]{56}$/)
  fc.assert(
    fc.property(fc.oneof(fc.string(), hex), (text) => {
      const id = parseOffsetMsgId(text)
      assert.ok(!isMalformed(id) || id.code === 'MSG_ID_ILLEGAL')
      const key = parseUniqKey(text)
      assert.ok(!isMalformed(key) || key.code === 'UNIQ_KEY_ILLEGAL')
    }),
  )
  assert.ok(parseOffsetMsgId('0A00000200002A9FFFFFFFFFFFFFFFFF') instanceof Malformed)
  assert.ok(parseOffsetMsgId('0A000002FFFFFFFF0000000000000000') instanceof Malformed)
})

const FEBRUARY_2024 = 1706745600000
const MARCH_2024 = 1709251200000

test('a unique key holds address, process, time since the month began and a counter', () => {
  const source = new UniqKeySource(Buffer.from([10, 0, 0, 2]), 0x12345, 0x89abcdef)
  assert.equal(source.next(FEBRUARY_2024 + 1), '0A000002234589ABCDEF000000010000')
  assert.equal(source.next(FEBRUARY_2024 + 1), '0A000002234589ABCDEF000000010001')
  // The last millisecond of a leap February, then March.
  assert.equal(source.next(MARCH_2024 - 1).slice(20, 28), '95586BFF')
  assert.equal(source.next(MARCH_2024).slice(20), '000000000003')
  assert.equal(source.next(MARCH_2024 - 5).slice(20, 28), '00000000')
})

test('the time of a unique key is found again within a month', () => {
  const source = new UniqKeySource(Buffer.alloc(16, 1), 1, 2)
  assert.equal(source.size, 56)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4e12 }), fc.integer({ min: 1, max: 2e9 }), (now, ago) => {
      const fresh = new UniqKeySource(Buffer.alloc(16, 1), 1, 2)
      assert.equal(uniqKeyTimeMs(fresh.next(now), now + 1), now)
      const then = Math.max(now - Math.min(ago, 27 * 86_400_000), 0)
      assert.equal(uniqKeyTimeMs(new UniqKeySource(Buffer.alloc(4), 0, 0).next(then), now), then)
    }),
  )
  const zone = 8 * 3_600_000
  const shanghai = new UniqKeySource(Buffer.alloc(4), 1, 2, zone)
  const key = shanghai.next(MARCH_2024 - zone)
  assert.equal(key.slice(20, 28), '00000000')
  assert.equal(uniqKeyTimeMs(key, MARCH_2024, zone), MARCH_2024 - zone)
})

test('65,536 keys of one millisecond are distinct', () => {
  const source = new UniqKeySource(Buffer.alloc(4), 1, 2)
  const keys = new Set<string>()
  for (let i = 0; i < 65_536; i++) keys.add(source.next(MARCH_2024))
  assert.equal(keys.size, 65_536)
})
