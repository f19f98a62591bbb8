import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import {
  encodeHaFrame,
  HA_MAGIC_SIZE,
  HA_MASTER_MAGIC,
  HA_SLAVE_MAGIC,
  HaFrameType,
  writeApacheReport,
  writeApacheTransferHeader,
} from '@apogee/protocol'
import { Drivers, type RawPeer } from './drivers.fixture.ts'
import type { HaIdentity } from './ha-options.ts'

function withMessages(seed = 1): Drivers {
  const it = new Drivers(seed)
  for (let i = 0; i < 10; i++) it.m.log.put(100, i)
  return it
}

function report(offset: number): Buffer {
  const bytes = Buffer.alloc(8)
  writeApacheReport(bytes, 0, offset)
  return bytes
}

/** Nobody got anything of the log, and nothing was acknowledged. */
function assertUntouched(it: Drivers): void {
  equal(it.m.log.reads, 0)
  equal(it.m.log.replicated, 0)
  equal(it.m.log.available, false)
}

test('who is not on the allow-list is closed at once, and named in the log once a second', () => {
  const it = withMessages()
  it.m.master()
  const stranger = it.node('10.9.9.9')
  const peers: RawPeer[] = []
  for (let i = 0; i < 10; i++) peers.push(stranger.connect())
  it.run(100)
  ok(peers.every((peer) => peer.isClosed && peer.received.length === 0))
  deepEqual(
    it.m.logged('ha_peer_not_allowed').map(({ code }) => code),
    ['HA_PEER_NOT_ALLOWED'],
  )
  it.run(1_000)
  stranger.connect()
  it.run(100)
  equal(it.m.logged('ha_peer_not_allowed').length, 2)
  assertUntouched(it)
})

test('a slave with another secret, or none, is refused and refuses; neither reads the log', () => {
  for (const sharedSecret of ['other', '']) {
    const it = withMessages()
    it.m.master()
    const slave = it.s.slave({ sharedSecret })
    ok(it.until(() => slave.status.state === 'refused'))
    equal(slave.status.problem?.code, 'HA_SECRET_WRONG')
    assertUntouched(it)
  }
})

test('a master without the secret is not followed', () => {
  const it = withMessages()
  it.m.master({ sharedSecret: '' })
  const slave = it.s.slave()
  ok(it.until(() => slave.status.state === 'refused'))
  equal(slave.status.problem?.code, 'HA_SECRET_WRONG')
  equal(it.s.log.appended, 0)
})

test('a wrong proof, a proof of another connection, and frames before the proof get nothing', () => {
  const it = withMessages()
  it.m.master()
  const guesser = it.s.connect()
  guesser.shakeHands(it, {}, 'guess')
  ok(it.until(() => guesser.isClosed))
  deepEqual(guesser.frames().slice(1), ['HA_SECRET_WRONG'])
  for (const type of [HaFrameType.FOLLOW, HaFrameType.ACK] as const) {
    const hasty = it.s.connect()
    hasty.send(Buffer.concat([HA_SLAVE_MAGIC, encodeHaFrame(type, 0)]))
    ok(it.until(() => hasty.isClosed))
    deepEqual(hasty.frames(), ['HA_FRAME_MALFORMED'])
  }
  assertUntouched(it)
})

test("Apache's slaves are not served by a master with a secret", () => {
  const it = withMessages()
  it.m.master()
  const slave = it.s.connect()
  slave.send(report(0))
  ok(it.until(() => slave.isClosed))
  equal(slave.received.length, 0)
  equal(it.m.logged('ha_peer_refused')[0]!.code, 'HA_SECRET_WRONG')
  assertUntouched(it)
})

test('cluster, name, role and file size must fit', () => {
  const right: HaIdentity = { clusterName: 'c', brokerName: 'a', brokerId: 1 }
  const cases: [HaIdentity, number, string][] = [
    [{ ...right, clusterName: 'd' }, 4096, 'HA_IDENTITY_WRONG'],
    [{ ...right, brokerName: 'b' }, 4096, 'HA_IDENTITY_WRONG'],
    [{ ...right, brokerId: 0 }, 4096, 'HA_IDENTITY_WRONG'],
    [right, 8192, 'HA_FILE_SIZE_DIFFERS'],
  ]
  for (const [identity, fileSize, code] of cases) {
    const it = withMessages()
    it.m.master()
    const node = it.node('10.0.0.3', fileSize)
    const slave = node.slave({ identity })
    ok(it.until(() => slave.status.state === 'refused'))
    equal(slave.status.problem?.code, code)
    assertUntouched(it)
  }
})

test('an acknowledgement beyond what was sent closes the connection and counts for nothing', () => {
  for (const forged of [1_001, 2 ** 40]) {
    const it = withMessages()
    const master = it.m.master()
    const forger = it.s.connect()
    forger.shakeHands(it)
    forger.send(encodeHaFrame(HaFrameType.FOLLOW, 0))
    ok(it.until(() => master.peers[0]?.sentOffset === 1_000))
    forger.send(encodeHaFrame(HaFrameType.ACK, forged))
    ok(it.until(() => forger.isClosed))
    equal(forger.frames().at(-1), 'HA_ACK_FORGED')
    equal(it.m.logged('ha_peer_refused')[0]!.code, 'HA_ACK_FORGED')
    equal(it.m.log.replicated, 0)
    equal(master.connected, 0)
  }
})

test("forged reports in Apache's protocol: at once, and after a while", () => {
  const it = withMessages()
  const master = it.m.master({ sharedSecret: '' })
  const first = it.s.connect()
  first.send(report(1_001))
  ok(it.until(() => first.isClosed))
  const second = it.s.connect()
  second.send(report(100))
  ok(it.until(() => master.peers[0]?.sentOffset === 1_000))
  second.send(report(1_001))
  ok(it.until(() => second.isClosed))
  const third = it.s.connect()
  third.send(Buffer.alloc(8, 0xff))
  ok(it.until(() => third.isClosed))
  equal(it.m.log.replicated, 0)
})

test('acknowledgements that go back, or again, are ignored', () => {
  const it = withMessages()
  const master = it.m.master()
  const peer = it.s.connect()
  peer.shakeHands(it)
  peer.send(encodeHaFrame(HaFrameType.FOLLOW, 0))
  for (const offset of [500, 200, 500]) peer.send(encodeHaFrame(HaFrameType.ACK, offset))
  it.run(100)
  equal(master.peers[0]!.ackOffset, 500)
  // It has once to reach what was there when it came.
  equal(it.m.log.available, false)
  peer.send(encodeHaFrame(HaFrameType.ACK, 1_000))
  ok(it.until(() => it.m.log.available))
  equal(it.m.log.replicated, 1_000)
})

test('who does not say who it is within the handshake time-out is closed, at any point of it', () => {
  const it = withMessages()
  it.m.master()
  const silent = it.s.connect()
  const half = it.s.connect()
  half.send(HA_SLAVE_MAGIC.subarray(0, 5))
  const magic = it.s.connect()
  magic.send(HA_SLAVE_MAGIC)
  it.run(4_900)
  ok(!silent.isClosed && !half.isClosed && !magic.isClosed)
  it.run(200)
  ok(silent.isClosed && half.isClosed && magic.isClosed)
  assertUntouched(it)
})

test("a slave of Apache's that says nothing for its first six seconds is waited for", () => {
  const it = withMessages()
  const master = it.m.master({ sharedSecret: '' })
  const slave = it.s.connect()
  it.run(6_000)
  ok(!slave.isClosed)
  slave.send(report(0))
  ok(it.until(() => master.peers[0]?.sentOffset === 1_000))
  const silent = it.s.connect()
  it.run(20_100)
  ok(silent.isClosed)
})

test('no more connections than connectionsMax, refused ones that linger included', () => {
  const it = withMessages()
  it.m.master()
  const peers: RawPeer[] = []
  for (let i = 0; i < 20; i++) peers.push(it.s.connect())
  it.run(100)
  equal(peers.filter((peer) => !peer.isClosed).length, 4)
  equal(it.m.logged('ha_too_many_connections').length, 1)
  it.run(6_000)
  ok(peers.every((peer) => peer.isClosed))
  const slave = it.s.slave()
  ok(it.until(() => slave.status.state === 'following'))
})

test('a slave that connects again takes the place of its older connection', () => {
  const it = withMessages()
  const master = it.m.master()
  const older = it.s.connect()
  older.shakeHands(it)
  older.send(encodeHaFrame(HaFrameType.FOLLOW, 0))
  ok(it.until(() => master.connected === 1))
  const newer = it.s.connect()
  newer.shakeHands(it)
  newer.send(encodeHaFrame(HaFrameType.FOLLOW, 0))
  ok(it.until(() => older.isClosed))
  equal(older.frames().at(-1), 'HA_PEER_REPLACED')
  it.run(100)
  equal(master.connected, 1)
  // Who cannot prove to be this slave cannot push it out.
  const thief = it.s.connect()
  thief.shakeHands(it, {}, 'guess')
  ok(it.until(() => thief.isClosed))
  ok(!newer.isClosed)
})

test('random bytes are answered with an end, never with an exception or with the log', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const it = withMessages(seed)
    it.m.master()
    const { prng } = it.world
    const peer = it.s.connect()
    if (seed % 2 === 0) peer.send(HA_SLAVE_MAGIC)
    for (let i = 0; i < 5; i++) {
      peer.send(Buffer.from(Array.from({ length: 1 + prng.below(100) }, () => prng.below(256))))
    }
    it.run(6_000)
    ok(peer.isClosed, `seed ${seed}`)
    ok(peer.received.length < HA_MAGIC_SIZE + 200)
    assertUntouched(it)
  }
})

test('a master of Apache is told apart by its first bytes, and learns no offset from us', () => {
  const it = new Drivers()
  const got: Buffer[] = []
  it.fakeMaster((socket, bytes) => {
    got.push(bytes)
    // Its heartbeat names the offset that it was asked for.
    socket.write(Buffer.concat([bytes, Buffer.alloc(4)]))
  })
  const slave = it.s.slave()
  ok(it.until(() => slave.status.state === 'refused'))
  equal(slave.status.problem?.code, 'HA_PROTOCOL_MISMATCH')
  ok(Buffer.concat(got).readBigInt64BE(0) < 0n)
  equal(Buffer.concat(got).length, 8)
})

test('a master that sends the log, or says that it would, before it is asked is left', () => {
  const data = encodeHaFrame(HaFrameType.DATA, 0, Buffer.alloc(100))
  for (const frame of [data, encodeHaFrame(HaFrameType.HEARTBEAT, 100)]) {
    const it = new Drivers()
    it.fakeMaster((socket, bytes) => {
      if (bytes.length === HA_MAGIC_SIZE) socket.write(Buffer.concat([HA_MASTER_MAGIC, frame]))
    })
    const slave = it.s.slave()
    ok(it.until(() => slave.status.problem !== null))
    equal(slave.status.problem?.code, 'HA_FRAME_MALFORMED')
    equal(it.s.log.received, 0)
    equal(it.s.states.includes('following'), false)
  }
})

test("a heartbeat of Apache's master for another offset than ours ends the connection", () => {
  const it = new Drivers()
  it.s.log.put(100)
  it.fakeMaster((socket, bytes) => {
    equal(bytes.readBigInt64BE(), 100n)
    const heartbeat = Buffer.alloc(12)
    writeApacheTransferHeader(heartbeat, 0, 90, 0)
    socket.write(heartbeat)
  })
  const slave = it.s.slave({ sharedSecret: '' }, 'apache')
  ok(it.until(() => slave.status.problem !== null))
  equal(slave.status.problem?.code, 'HA_OFFSET_GAP')
})
