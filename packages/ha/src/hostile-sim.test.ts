// A master of the simulator under attack at its replication port while an honest slave follows. APOGEE_SEED: where to
// start; APOGEE_HA_HOSTILE_SEEDS: how many seeds.
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Prng } from '@apogee/base'
import type { Socket } from '@apogee/env'
import { HA_MASTER_MAGIC } from '@apogee/protocol'
import { STORED } from '@apogee/store'
import { Attackers } from './testing/attackers.ts'
import { ATTACK_NAMES } from './testing/attacks.ts'
import { HaWorld } from './testing/ha-world.ts'
import { drawPlan, type HistoryPlan, memoryShape } from './testing/history-plan.ts'
import { makeMemoryLog } from './testing/memory-node-log.ts'

const FIRST_SEED = Number(process.env['APOGEE_SEED'] ?? 1)
const SEEDS = Number(process.env['APOGEE_HA_HOSTILE_SEEDS'] ?? 12)
/** Connections that the master of a simulated world takes. */
const CONNECTIONS_MAX = 8

const PLAN: Partial<HistoryPlan> = {
  slaves: [{ protocol: 'apogee', sync: false, fromLastFile: false }],
  inSyncReplicas: 2,
  gapMax: 1 << 28,
  bytesPerSecondMax: Number.POSITIVE_INFINITY,
  fragmentMax: 3000,
  windowBytes: 16_384,
  latencyMs: [0.1, 2],
}

/** An honest pair that follows, and what its slave has sent. */
class Besieged {
  readonly world: HaWorld
  readonly prng: Prng
  readonly recorded: Buffer[] = []
  readonly attackers: Attackers

  constructor(seed: number, addresses: readonly string[], sharedSecret = 'a secret') {
    this.prng = new Prng(seed)
    const plan = { ...drawPlan(this.prng, memoryShape), ...PLAN, sharedSecret }
    this.world = new HaWorld({
      seed,
      plan,
      makeLog: makeMemoryLog,
      sabotage: {
        started: ({ index, tracked }) => {
          if (index > 0) for (const socket of tracked!.net.sockets()) this.record(socket)
        },
      },
    })
    this.attackers = new Attackers(this.world.world, this.prng.fork(), addresses)
  }

  async start(): Promise<void> {
    for (const node of this.world.nodes) this.world.boot(node)
    const { master } = this.world
    ok(await this.world.until(() => master.master!.inSyncReplicas === 2, 1000))
  }

  attack(): void {
    const { replication } = this.world.master
    const { fileSize, written } = replication
    this.attackers.attack({ fileSize, end: written, recorded: Buffer.concat(this.recorded) })
  }

  check(): void {
    this.world.check()
    this.attackers.check()
    const { clock, net } = this.world.master.tracked!
    ok(net.sockets().length <= CONNECTIONS_MAX, `${net.sockets().length} connections`)
    ok(clock.timers <= 2, `${clock.timers} timers`)
  }

  private record(socket: Socket): void {
    const write = socket.write.bind(socket)
    socket.write = (bytes, sent) => {
      this.recorded.push(Buffer.from(bytes))
      return write(bytes, sent)
    }
  }
}

const INSIDE = ['10.0.0.200', '10.0.0.201', '10.0.0.202']
const OUTSIDE = ['10.9.0.1', '192.168.1.9']

/** Attacks for a second or so, with messages in between, each of which must be stored. */
async function siege(it: Besieged, attacks: number): Promise<void> {
  const { world, prng } = it
  const first = world.truth.messages.length
  for (let i = 0; i < attacks; i++) {
    it.attack()
    if (prng.below(8) === 0) world.append(44 + prng.below(300), true)
    if (prng.below(3) === 0) await world.pass(1 + prng.below(6))
    it.check()
  }
  await world.pass(200)
  const outcomes = world.truth.messages.slice(first).map(({ outcome }) => outcome)
  ok(outcomes.length > attacks / 20, 'hardly a message')
  deepEqual([...new Set(outcomes)], [STORED])
}

async function assertHealthy(it: Besieged): Promise<void> {
  const { world, attackers } = it
  attackers.leave()
  await world.pass(600)
  it.check()
  equal(attackers.open, 0)
  const { master } = world
  equal(master.tracked!.net.sockets().length, 1, 'only the slave is connected')
  equal(master.master!.connected, 1)
  equal(master.master!.inSyncReplicas, 2)
  ok(world.truth.slaves[0]!.isEqualTo(master))
}

test('whatever strangers send, none of them reads the log or acknowledges, and the slave follows on', async () => {
  const names = new Set<string>()
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    try {
      const it = new Besieged(seed, [...INSIDE, ...OUTSIDE])
      await it.start()
      await siege(it, 250)
      await assertHealthy(it)
      for (const name of it.attackers.byName.keys()) names.add(name.replace(', slowly', ''))
    } catch (error) {
      throw new Error(`APOGEE_SEED=${seed}: ${(error as Error).message}`, { cause: error })
    }
  }
  if (SEEDS >= 12) deepEqual([...names].sort(), [...ATTACK_NAMES].sort())
})

test('where no secret is asked for these attackers do hear the log, and are found', async () => {
  const it = new Besieged(FIRST_SEED, INSIDE, '')
  await it.start()
  await rejects(siege(it, 250), /an attacker|too few slaves hold/)
})

test('a slave that was cut off comes back in spite of a flood', async () => {
  const it = new Besieged(FIRST_SEED, INSIDE)
  const { world } = it
  await it.start()
  for (let round = 0; round < 5; round++) {
    world.truth.trouble(1, 'cut', false)
    world.world.network.resetConnections('10.0.0.1', '10.0.0.2')
    for (let i = 0; i < 60; i++) it.attack()
    let isBack = false
    for (let i = 0; i < 400 && !isBack; i++) {
      it.attack()
      await world.pass(2)
      it.check()
      isBack = world.master.master!.inSyncReplicas === 2
    }
    ok(isBack, 'the flood keeps the slave out')
  }
  await assertHealthy(it)
})

test('probes by the thousand leave neither memory nor timers behind', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const it = new Besieged(FIRST_SEED, [...INSIDE, ...OUTSIDE])
  await it.start()
  const heap: number[] = []
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 2000; i++) {
      it.attack()
      if (i % 4 === 0) await it.world.pass(5)
    }
    await assertHealthy(it)
    collect()
    heap.push(process.memoryUsage().heapUsed)
  }
  const grown = Math.round((heap[3]! - heap[1]!) / 1024)
  ok(grown < 512, `the heap has grown by ${grown} KiB in 4000 connections`)
})

test('a master that is none gets nothing into the log of a slave', async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const it = new Besieged(seed, INSIDE)
    const { prng, world } = it
    await it.start()
    for (let i = 0; i < 10; i++) world.append(100, true)
    await world.pass(100)
    const slave = world.truth.slaves[0]!
    const { appended } = slave.replication
    const impostor = world.world.network.host('10.0.0.99')
    let visits = 0
    impostor.listen(
      { host: '10.0.0.99', port: 1 },
      (socket) => {
        visits++
        const bytes = Buffer.from(
          Array.from({ length: 1 + prng.below(500) }, () => prng.below(256)),
        )
        if (prng.below(2) === 0) HA_MASTER_MAGIC.copy(bytes)
        socket.events = { data: () => void socket.write(bytes), drained() {}, closed() {} }
        if (prng.below(3) === 0) socket.write(bytes)
      },
      () => {},
    )
    for (const protocol of ['apogee', 'apache'] as const) {
      slave.slave!.follow({ address: '10.0.0.99:1', protocol })
      await world.world.clock.runForAsync(300, () => Promise.resolve())
    }
    ok(visits > 3, `seed ${seed}: ${visits} visits`)
    equal(slave.replication.appended, appended, `seed ${seed}`)
    world.lead(slave, true)
    ok(await world.until(() => world.master.master!.inSyncReplicas === 2, 2000), `seed ${seed}`)
    ok(slave.isEqualTo(world.master))
  }
})
