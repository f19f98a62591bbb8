import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed } from '@apogee/base'
import fc from 'fast-check'
import { type AllowedPeers, parseAllowedPeers } from './allowed-peers.ts'

function allowed(...entries: string[]): AllowedPeers {
  const peers = parseAllowedPeers(entries)
  ok(!isMalformed(peers), entries.join())
  return peers
}

test('addresses and networks, IPv4 and IPv6', () => {
  const cases: [string, string, boolean][] = [
    ['127.0.0.0/8', '127.0.0.1', true],
    ['127.0.0.0/8', '127.255.1.2', true],
    ['127.0.0.0/8', '128.0.0.1', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.1.2.0/23', '10.1.3.255', true],
    ['10.1.2.0/23', '10.1.4.0', false],
    ['0.0.0.0/0', '8.8.8.8', true],
    ['0.0.0.0/0', '::1', false],
    ['::1', '::1', true],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['::1', '::2', false],
    ['fd00::/8', 'fdab:1::7', true],
    ['fd00::/8', 'fe00::7', false],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['10.0.0.0/8', '::ffff:10.9.9.9', true],
    ['::ffff:10.9.9.9', '10.9.9.9', true],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0', true],
    ['10.0.0.0/8', '', false],
    ['10.0.0.0/8', '10.0.0', false],
    ['10.0.0.0/8', 'localhost', false],
  ]
  for (const [network, address, expected] of cases) {
    equal(allowed(network).allows(address), expected, `${address} in ${network}`)
  }
  ok(allowed(' 1.2.3.4 ', '', '::1').allows('1.2.3.4'))
  ok(!allowed().allows('127.0.0.1'))
})

test('what is neither is malformed', () => {
  const wrong = ['10.0.0.0/33', '10.0.0', '1.2.3.256', 'host', '::1/129', '1::2::3', '1:2:3', '/8']
  for (const entry of [...wrong, '1.2.3.4/8/8', '1.2.3.4/', '1.2.3.4/-1', '12345::', ':::']) {
    const peers = parseAllowedPeers([entry])
    ok(isMalformed(peers) && peers.code === 'HA_ALLOWED_PEERS_INVALID', entry)
  }
})

test('an IPv4 network allows what has its bits, and nothing else', () => {
  const address = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(address, address, fc.nat(32), (network, other, bits) => {
      const binary = (bytes: number[]): string =>
        bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('')
      const expected = binary(network).slice(0, bits) === binary(other).slice(0, bits)
      const peers = allowed(`${network.join('.')}/${bits}`)
      equal(peers.allows(other.join('.')), expected)
    }),
  )
})

test('no text makes it throw', () => {
  const text = fc.string({
    unit: fc.constantFrom('0', '1', '2', '9', 'a', 'f', '.', ':', '/', '%'),
  })
  fc.assert(
    fc.property(text, text, (entry, address) => {
      const peers = parseAllowedPeers([entry])
      if (!isMalformed(peers)) peers.allows(address)
    }),
  )
})
