import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterInfo, TopicRouteData } from '@apogee/protocol'
import {
  addressKind,
  fastAddress,
  isLoopbackOfElsewhere,
  unreachableHint,
} from './advertised-address.ts'
import { checkAgreement, checkMasters, permissionCheck } from './examine.ts'
import { checkClock, checkDisk, checkVersions, clockDifferenceMs } from './runtime-checks.ts'

test('an address that cannot be reached is told with what to set', () => {
  match(
    unreachableHint('172.17.0.2:10911', 'broker-a'),
    /inside a container: set brokerIP1 .*broker-a.*10911/,
  )
  match(unreachableHint('127.0.0.1:10911', 'broker-a'), /each client's own machine: set brokerIP1/)
  match(unreachableHint('0.0.0.0:10911', 'b'), /no address to connect to: set brokerIP1/)
  match(unreachableHint('broker.example:10911', 'b'), /does broker\.example resolve here/)
  match(unreachableHint('10.1.2.3:10911', 'b'), /is the broker running, and port 10911 open\?/)
  match(unreachableHint('garbage', 'b'), /set brokerIP1/)
})

test('kinds of addresses', () => {
  const kinds = {
    localhost: 'loopback',
    '127.0.0.9': 'loopback',
    '::1': 'loopback',
    '0.0.0.0': 'unspecified',
    '::': 'unspecified',
    '172.17.0.2': 'container',
    '172.16.0.2': 'private',
    '10.0.0.1': 'private',
    '192.168.1.1': 'private',
    'fd00::1': 'private',
    '8.8.8.8': 'public',
    '2001:db8::1': 'public',
    'a.example': 'name',
  }
  for (const [host, kind] of Object.entries(kinds)) equal(addressKind(host), kind, host)
})

test('a loopback address is fine while the NameServer is on this machine', () => {
  equal(isLoopbackOfElsewhere('127.0.0.1:10911', ['127.0.0.1:9876']), false)
  equal(isLoopbackOfElsewhere('127.0.0.1:10911', ['ns.example:9876']), true)
  equal(isLoopbackOfElsewhere('10.0.0.1:10911', ['ns.example:9876']), false)
})

test('the fast port is two below', () => {
  equal(fastAddress('10.0.0.1:10911'), '10.0.0.1:10909')
  equal(fastAddress('[::1]:10911'), '[::1]:10909')
  equal(fastAddress('10.0.0.1:2'), null)
})

const NOW_MS = 1_769_846_400_000
/** What a broker says that runs for 1 day and 10 s, and whose clock is off. */
function runtime(offMs: number): Map<string, string> {
  const startedMs = NOW_MS + offMs - 86_410_400
  return new Map([
    ['bootTimestamp', String(startedMs)],
    ['runtime', '[ 1 days, 0 hours, 0 minutes, 10 seconds. ]'],
  ])
}

test('clocks are compared by when a broker started and how long it runs', () => {
  equal(clockDifferenceMs(runtime(0), NOW_MS), 100)
  equal(checkClock('b', runtime(0), NOW_MS).status, 'ok')
  equal(checkClock('b', runtime(7_000), NOW_MS).status, 'warning')
  const behind = checkClock('b', runtime(-90_000), NOW_MS)
  equal(behind.status, 'problem')
  match(behind.message, /89\.9 s behind/)
  equal(checkClock('b', new Map(), NOW_MS).status, 'skipped')
})

test('disks that fill up are told before they stop the broker', () => {
  const disk = (...values: string[]): string =>
    checkDisk('b', new Map(values.map((value, place) => [`commitLogDiskRatio_${place}`, value])))
      .status
  equal(disk('0.40'), 'ok')
  equal(disk('0.40', '0.80'), 'warning')
  equal(disk('0.93'), 'problem')
  equal(disk('-1'), 'skipped')
  equal(disk(), 'skipped')
})

test('brokers of different versions are pointed at', () => {
  equal(checkVersions(new Map([['a/0', 'V5_3_3']])), null)
  equal(
    checkVersions(
      new Map([
        ['a/0', 'V5_3_3'],
        ['b/0', 'V5_3_3'],
      ]),
    )?.status,
    'ok',
  )
  equal(
    checkVersions(
      new Map([
        ['a/0', 'V5_3_3'],
        ['b/0', 'V4_9_8'],
      ]),
    )?.status,
    'warning',
  )
})

function info(...brokers: [name: string, address: string][]): ClusterInfo {
  const table = new Map(
    brokers.map(([brokerName, address]) => [
      brokerName,
      { brokerName, brokerAddrs: new Map([[0, address]]) },
    ]),
  )
  return { brokerAddrTable: table, clusterAddrTable: new Map() } as unknown as ClusterInfo
}

test('NameServers that know different brokers are a problem', () => {
  const both = info(['broker-a', '10.0.0.1:1'], ['broker-b', '10.0.0.2:1'])
  const one = info(['broker-a', '10.0.0.1:1'])
  equal(checkAgreement([{ address: 'ns1', info: both }]), null)
  equal(
    checkAgreement([
      { address: 'ns1', info: both },
      { address: 'ns2', info: both },
    ])?.status,
    'ok',
  )
  const split = checkAgreement([
    { address: 'ns1', info: both },
    { address: 'ns2', info: one },
  ])
  equal(split?.status, 'problem')
  match(split?.message ?? '', /^ns2 does not know broker-b\/0 10\.0\.0\.2:1$/)
})

test('a broker without a master, and two at one address, are problems', () => {
  const at = (brokerName: string, brokerId: number, address: string) => ({
    clusterName: 'c',
    brokerName,
    brokerId,
    address,
  })
  deepEqual(
    checkMasters([at('a', 0, 'x:1')]).map(({ status }) => status),
    ['ok'],
  )
  match(checkMasters([at('a', 1, 'x:1')])[0]!.message, /has no master/)
  match(
    checkMasters([at('a', 0, 'x:1'), at('b', 0, 'x:1')])[0]!.message,
    /advertised by a\/0 and b\/0/,
  )
})

test('a broker whose permission was wiped is told, one without a route is not judged', () => {
  const route = (perm: number): TopicRouteData =>
    ({ queueDatas: [{ brokerName: 'a', perm }] }) as unknown as TopicRouteData
  equal(permissionCheck({ brokerName: 'a' }, 't', route(6)).status, 'ok')
  equal(permissionCheck({ brokerName: 'a' }, 't', route(4)).status, 'warning')
  equal(permissionCheck({ brokerName: 'b' }, 't', route(6)).status, 'skipped')
  equal(permissionCheck({ brokerName: 'a' }, 't', null).status, 'skipped')
})
