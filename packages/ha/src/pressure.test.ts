import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnectOptions, Socket } from '@apogee/env'
import { encodeHaFrame, HaFrameType } from '@apogee/protocol'
import { Drivers, type RawPeer } from './drivers.fixture.ts'

test('a slave that does not read costs its few buffers, whatever the master writes', () => {
  const it = new Drivers(1, 1024 * 1024)
  const master = it.m.master()
  const slow = it.s.connect()
  slow.shakeHands(it, { fileSize: 1024 * 1024 })
  slow.send(encodeHaFrame(HaFrameType.FOLLOW, 0))
  ok(it.until(() => master.connected === 1))
  slow.socket.pause()
  for (let i = 0; i < 2_000; i++) {
    it.m.log.put(1_000, i % 250)
    it.run(1)
  }
  const { sentOffset } = master.peers[0]!
  // What the kernel takes in the simulation, and four frames.
  ok(sentOffset <= 128 * 1024 + 5 * 8_192, String(sentOffset))
  slow.socket.resume()
  ok(it.until(() => master.peers[0]!.sentOffset === it.m.log.written))
})

test('a socket that has enough gets no more before it says so', () => {
  const network = { windowBytes: 2_000, highWaterMark: 1_500, latencyMs: [0.1, 0.2] as const }
  const it = new Drivers(1, 1024 * 1024, network)
  for (let i = 0; i < 100; i++) it.m.log.put(1_000, i)
  const master = it.m.master({ frameBytes: 1_000 })
  const slow = it.s.connect()
  slow.shakeHands(it, { fileSize: 1024 * 1024 })
  slow.send(encodeHaFrame(HaFrameType.FOLLOW, 0))
  slow.socket.pause()
  it.run(1_000)
  const { sentOffset } = master.peers[0]!
  ok(sentOffset > 0 && sentOffset <= 2_000 + 1_500 + 1_000, String(sentOffset))
  slow.socket.resume()
  ok(it.until(() => master.peers[0]!.sentOffset === it.m.log.written))
})

test('heartbeats do not pile up for a slave that lives and does not read', () => {
  const network = { windowBytes: 2_000 }
  const it = new Drivers(1, 1024 * 1024, network)
  for (let i = 0; i < 100; i++) it.m.log.put(1_000, i)
  it.m.master()
  const slow = it.s.connect()
  slow.shakeHands(it, { fileSize: 1024 * 1024 })
  slow.send(encodeHaFrame(HaFrameType.FOLLOW, 0))
  it.run(1)
  slow.socket.pause()
  for (let i = 0; i < 60; i++) {
    it.run(5_000)
    slow.send(encodeHaFrame(HaFrameType.ACK, 0))
  }
  slow.socket.resume()
  it.run(100)
  const beats = slow.frames().filter((frame) => frame.startsWith(`${HaFrameType.HEARTBEAT}@`))
  ok(beats.length <= 2, beats.join())
})

test('bytes that still come after the socket was paused wait, and keep their place', () => {
  const it = new Drivers(1, 1024 * 1024)
  const { net } = it.s.env
  // A socket that does not stop at once.
  const connect = (options: ConnectOptions): Socket => {
    const socket = net.connect(options)
    socket.pause = () => {}
    return socket
  }
  it.s.env = { ...it.s.env, net: { connect, listen: net.listen.bind(net) } }
  it.m.master()
  it.s.slave()
  ok(it.until(() => it.m.log.available))
  it.s.log.full = true
  for (let i = 0; i < 20; i++) {
    it.m.log.put(1_000, i)
    it.run(5)
  }
  ok(it.s.log.received < 20_000)
  it.s.log.full = false
  it.s.log.progress()
  equal(it.s.log.received, 20_000)
  ok(it.until(() => it.m.log.replicated === 20_000))
  deepEqual(it.s.log.content(), it.m.log.content())
})

test('what is written while the connection is busy goes in one frame, and is acknowledged once', () => {
  const it = new Drivers(1, 1024 * 1024)
  it.m.master()
  it.s.slave()
  ok(it.until(() => it.m.log.available))
  const toldBefore = it.m.log.told
  const readsBefore = it.m.log.reads
  it.m.log.isHeld = true
  for (let i = 0; i < 60; i++) it.m.log.put(100, i)
  it.m.log.release()
  equal(it.m.log.reads, readsBefore + 1)
  ok(it.until(() => it.m.log.replicated === it.m.log.written))
  // One acknowledgement, or two when the network cut the frame.
  ok(it.m.log.told - toldBefore <= 2)
})

test('the data leaves in the turn in which it is written, and the store hears of the acknowledgement in the turn it comes', () => {
  const it = new Drivers(1, 1024 * 1024)
  const master = it.m.master()
  const peer = it.s.connect()
  peer.shakeHands(it, { fileSize: 1024 * 1024 })
  peer.send(encodeHaFrame(HaFrameType.FOLLOW, 0))
  ok(it.until(() => it.m.log.available))
  it.m.log.put(100)
  equal(master.peers[0]!.sentOffset, 100)
  peer.send(encodeHaFrame(HaFrameType.ACK, 100))
  ok(it.until(() => master.peers[0]!.ackOffset === 100))
  equal(it.m.log.replicated, 100)
})

test('acknowledgements that come together are told to the store as one', () => {
  const it = new Drivers(1, 1024 * 1024)
  it.m.log.put(1_000)
  it.m.master()
  const peer = it.s.connect()
  peer.shakeHands(it, { fileSize: 1024 * 1024 })
  peer.send(encodeHaFrame(HaFrameType.FOLLOW, 1_000))
  ok(it.until(() => it.m.log.available))
  for (let i = 0; i < 10; i++) it.m.log.put(100, i)
  it.run(10)
  const toldBefore = it.m.log.told
  const acks: Buffer[] = []
  for (let i = 1; i <= 10; i++) acks.push(encodeHaFrame(HaFrameType.ACK, 1_000 + i * 100))
  peer.send(Buffer.concat(acks))
  ok(it.until(() => it.m.log.replicated === it.m.log.written))
  // Once for each piece that the network made of it.
  ok(it.m.log.told - toldBefore <= 3, String(it.m.log.told - toldBefore))
})

test('while the store of the slave is full its socket is not read, and the master is not taken for silent', () => {
  const it = new Drivers(1, 1024 * 1024)
  const master = it.m.master()
  const slave = it.s.slave()
  ok(it.until(() => it.m.log.available))
  it.s.log.full = true
  for (let i = 0; i < 3_000; i++) it.m.log.put(1_000, i % 250)
  it.run(60_000)
  equal(slave.status.state, 'following')
  ok(it.s.log.appended < 64 * 1024, String(it.s.log.appended))
  ok(master.peers[0]!.sentOffset < 512 * 1024)
  equal(master.inSyncReplicas, 1)
  it.s.log.full = false
  it.s.log.progress()
  ok(it.until(() => it.m.log.replicated === it.m.log.written))
  deepEqual(it.s.log.content(), it.m.log.content())
})

test('a slave acknowledges what it has stored: not before the sync under SYNC_FLUSH', () => {
  const it = new Drivers()
  it.s.log.syncFlush = true
  it.m.master()
  it.s.slave()
  ok(it.until(() => it.m.log.available))
  it.m.log.put(100)
  it.run(1_000)
  equal(it.s.log.written, 100)
  equal(it.m.log.replicated, 0)
  it.s.log.flush()
  ok(it.until(() => it.m.log.replicated === 100))
})

test('who acknowledges nothing for slaveTimeout is out of sync, and in again once it has caught up', () => {
  const it = new Drivers()
  const master = it.m.master()
  it.s.slave()
  ok(it.until(() => it.m.log.available))
  it.s.log.isHeld = true
  it.m.log.put(100)
  it.run(2_900)
  ok(it.m.log.available)
  it.run(300)
  equal(it.m.log.available, false)
  equal(master.connected, 1)
  it.s.log.isHeld = false
  it.s.log.release()
  ok(it.until(() => it.m.log.available))
  equal(it.m.log.replicated, 100)
})

test('a slave that is further behind than haMaxGapNotInSync is not in sync', () => {
  const it = new Drivers(1, 1024 * 1024)
  it.m.master({ gapMax: 1_000 })
  it.s.slave()
  ok(it.until(() => it.m.log.available))
  it.s.log.isHeld = true
  for (let i = 0; i < 10; i++) it.m.log.put(100)
  ok(it.m.log.available)
  it.m.log.put(100)
  equal(it.m.log.available, false)
})

test('with three replicas the second acknowledgement counts, and a lost slave ends availability at once', () => {
  const it = new Drivers()
  const master = it.m.master({ inSyncReplicas: 3 })
  it.s.slave()
  const third = it.node('10.0.0.3')
  it.run(100)
  equal(it.m.log.available, false)
  third.slave({ identity: { clusterName: 'c', brokerName: 'a', brokerId: 2 } })
  ok(it.until(() => it.m.log.available))
  equal(master.inSyncReplicas, 3)
  third.log.isHeld = true
  it.m.log.put(100)
  it.run(500)
  equal(it.m.log.replicated, 0)
  third.log.isHeld = false
  third.log.release()
  ok(it.until(() => it.m.log.replicated === 100))
  third.host.kill()
  it.m.log.put(100)
  ok(it.until(() => !it.m.log.available, 100))
  equal(it.m.log.replicated, 100)
})

test('maxHaTransferByteInSecond holds a slave back, and everything still arrives', () => {
  for (const protocol of ['apogee', 'apache'] as const) {
    const it = new Drivers(1, 1024 * 1024)
    for (let i = 0; i < 200; i++) it.m.log.put(1_000, i)
    const master = it.m.master({ bytesPerSecondMax: 20_000, sharedSecret: '' })
    it.s.slave({ sharedSecret: '' }, protocol)
    it.run(5_000)
    ok(it.s.log.written > 90_000 && it.s.log.written < 105_000, String(it.s.log.written))
    ok(Math.abs(master.peers[0]!.bytesPerSecond - 20_000) < 4_000)
    ok(it.until(() => it.s.log.written === it.m.log.written))
  }
})

test('what is stored of a blank record is not acknowledged before the master has sent it', () => {
  for (const protocol of ['apogee', 'apache'] as const) {
    const it = new Drivers(1, 1024 * 1024)
    it.m.log.put(100)
    const options = { sharedSecret: '' }
    const master = it.m.master({ ...options, bytesPerSecondMax: 500_000 })
    const slave = it.s.slave(options, protocol)
    ok(it.until(() => it.m.log.available))
    // Most of the file is left blank.
    it.m.log.put(1024 * 1024 - 100, 3)
    it.run(500)
    equal(it.s.log.stored, 1024 * 1024)
    ok(master.peers[0]!.sentOffset < 512 * 1024)
    ok(master.peers[0]!.ackOffset <= master.peers[0]!.sentOffset)
    ok(it.until(() => it.m.log.replicated === it.m.log.written))
    deepEqual(it.s.log.content(), it.m.log.content())
    equal(slave.status.problem, null)
    equal(it.m.logged('ha_peer_refused').length, 0)
  }
})

test('the log is kept from the file on that a follower has not got, and no longer than it follows', () => {
  const it = new Drivers()
  for (let i = 0; i < 100; i++) it.m.log.put(100, i)
  const master = it.m.master()
  const peer = it.s.connect()
  equal(it.m.log.keptFrom, Number.POSITIVE_INFINITY)
  peer.shakeHands(it)
  peer.send(encodeHaFrame(HaFrameType.FOLLOW, 0))
  ok(it.until(() => master.connected === 1))
  equal(it.m.log.keptFrom, 0)
  it.run(100)
  peer.send(encodeHaFrame(HaFrameType.ACK, 5_000))
  ok(it.until(() => it.m.log.keptFrom === 5_000))
  peer.socket.destroy()
  ok(it.until(() => it.m.log.keptFrom === Number.POSITIVE_INFINITY))
})

test('a log that cannot be read ends the connection with a reason, and the slave comes again', () => {
  const it = new Drivers()
  it.m.log.put(100)
  it.m.master()
  it.m.log.readError = Object.assign(new Error('EIO: read'), { code: 'EIO' })
  const slave = it.s.slave()
  ok(it.until(() => slave.status.state === 'refused'))
  equal(slave.status.problem?.code, 'HA_READ_FAILED')
  it.m.log.readError = null
  ok(it.until(() => slave.status.state === 'following'))
})

test('a store that takes nothing ends the connection, and the slave comes again', () => {
  const it = new Drivers()
  it.m.log.put(100)
  it.m.master()
  it.s.log.isUnavailable = true
  const slave = it.s.slave()
  ok(it.until(() => slave.status.problem?.code === 'HA_STORE_UNAVAILABLE'))
  it.s.log.isUnavailable = false
  ok(it.until(() => it.m.log.available))
})

test('what a full device takes back is asked for again, though the master has nothing new to send', () => {
  const it = new Drivers()
  it.m.master()
  const slave = it.s.slave()
  ok(it.until(() => it.m.log.available))
  it.s.log.isHeld = true
  it.m.log.put(100)
  it.run(100)
  equal(it.s.log.appended, 100)
  it.s.log.cut(0)
  it.s.log.isHeld = false
  it.s.log.progress()
  equal(slave.status.problem?.code, 'HA_STORE_UNAVAILABLE')
  ok(it.until(() => it.m.log.replicated === 100))
})

test('cut connections at any byte, slow reads and restarts: the logs are the same in the end', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const protocol = seed % 2 === 0 ? 'apogee' : 'apache'
    const it = new Drivers(seed)
    const { prng, network } = it.world
    const options = { sharedSecret: '' }
    it.m.master(options)
    const slave = it.s.slave(options, protocol)
    for (let round = 0; round < 20; round++) {
      it.m.log.heldReads = []
      for (let i = 0; i < 30; i++) {
        it.m.log.put(20 + prng.below(600), prng.below(250))
        it.run(prng.below(3))
        for (const read of it.m.log.heldReads.splice(0)) read()
        ok(it.m.log.replicated <= it.s.log.stored, `seed ${seed}`)
      }
      const late = it.m.log.heldReads
      it.m.log.heldReads = null
      for (const read of late) read()
      if (prng.below(3) === 0) network.resetConnections('10.0.0.1', '10.0.0.2')
      it.run(prng.below(1_500))
    }
    ok(
      it.until(() => it.m.log.replicated === it.m.log.written && it.m.log.available),
      `seed ${seed}: ${JSON.stringify(slave.status)}`,
    )
    ok(it.s.log.content().equals(it.m.log.content()), `seed ${seed}`)
    deepEqual(it.s.cuts, [])
  }
})

test('stop ends every connection and what waits for slaves', () => {
  const it = new Drivers()
  const master = it.m.master()
  const slave = it.s.slave()
  const raw: RawPeer = it.s.connect()
  ok(it.until(() => it.m.log.available))
  slave.stop()
  equal(slave.status.state, 'stopped')
  ok(it.until(() => master.connected === 0))
  master.stop()
  it.run(100)
  equal(it.m.log.available, false)
  equal(it.m.log.keptFrom, Number.POSITIVE_INFINITY)
  ok(raw.isClosed)
  slave.follow({ address: '10.0.0.1:1', protocol: 'apogee' })
  it.run(20_000)
  equal(it.world.network.socketCount, 0)
  equal(it.world.clock.pendingCount, 0)
})
