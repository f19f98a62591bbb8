import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Drivers, TARGET } from './drivers.fixture.ts'

function fill(put: (size: number, value: number) => void, count: number): void {
  for (let i = 0; i < count; i++) put(20 + ((i * 37) % 300), i)
}

for (const protocol of ['apogee', 'apache'] as const) {
  const secret = { sharedSecret: protocol === 'apogee' ? 's3cret' : '' }

  test(`${protocol}: a slave copies the log over many files and goes on as it grows`, () => {
    for (let seed = 1; seed <= 20; seed++) {
      const it = new Drivers(seed)
      fill((size, value) => it.m.log.put(size, value), 100)
      const master = it.m.master({ ...secret, ...(protocol === 'apache' ? {} : {}) })
      it.s.log.startAt(0)
      // Apache's protocol has no way to ask for the first message but a log that holds it.
      if (protocol === 'apache') it.m.log.put(30)
      const slave = it.s.slave(secret, protocol)
      ok(
        it.until(() => it.s.log.written === it.m.log.written),
        `seed ${seed}`,
      )
      deepEqual(it.s.log.content(), it.m.log.content())
      equal(slave.status.state, 'following')
      ok(it.until(() => it.m.log.available))
      equal(it.m.log.replicated, it.m.log.written)
      it.m.log.put(200, 7)
      ok(!it.until(() => it.m.log.replicated > it.m.log.written, 10))
      ok(it.until(() => it.m.log.replicated === it.m.log.written))
      deepEqual(it.s.log.content(), it.m.log.content())
      equal(master.inSyncReplicas, 2)
      equal(master.peers[0]!.identity?.brokerId ?? null, protocol === 'apogee' ? 1 : null)
    }
  })

  test(`${protocol}: an idle pair keeps its connection with heartbeats, and one timer on each side`, () => {
    const it = new Drivers()
    it.m.log.put(100)
    const master = it.m.master(secret)
    const slave = it.s.slave(secret, protocol)
    ok(it.until(() => it.m.log.available))
    it.run(600_000)
    equal(slave.status.state, 'following')
    equal(master.connected, 1)
    equal(it.m.logged('ha_peer_follows').length, 1)
    ok(it.world.clock.pendingCount <= 4, String(it.world.clock.pendingCount))
  })

  test(`${protocol}: a master that dies is followed again when it returns, from where the slave is`, () => {
    const it = new Drivers()
    fill((size, value) => it.m.log.put(size, value), 20)
    it.m.master(secret)
    const slave = it.s.slave(secret, protocol)
    ok(it.until(() => it.m.log.available))
    it.m.host.kill()
    ok(it.until(() => slave.status.state === 'connecting'))
    equal(slave.status.problem?.code, 'HA_CONNECTION_LOST')
    it.run(10_000)
    it.m.env = it.m.host.boot()
    it.m.log.put(50, 9)
    it.m.log.available = false
    it.m.master(secret)
    ok(it.until(() => it.m.log.available && it.m.log.replicated === it.m.log.written))
    deepEqual(it.s.log.content(), it.m.log.content())
    equal(slave.status.problem, null)
  })
}

test('a slave of a master that is not there tries again and again, and follows when told to', () => {
  const it = new Drivers()
  const slave = it.s.slave()
  it.run(10_000)
  equal(slave.status.state, 'connecting')
  equal(slave.status.masterAddress, TARGET)
  // It says so once, not with each try.
  equal(it.s.logged('ha_not_following').length, 1)
  ok(it.s.states.length <= 3, it.s.states.join())
  slave.follow(null)
  equal(slave.status.state, 'idle')
  it.m.master()
  it.run(10_000)
  slave.follow({ address: TARGET, protocol: 'apogee' })
  ok(it.until(() => it.m.log.available))
})
