import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { RequestCode, ResponseCode } from '@apogee/protocol'
import type { BrokerConfigValues } from '../config/config-values.ts'
import { messagesOf, sendFields, sendHeader } from '../testing/requests.ts'
import { MASTER_HOST, ReplicaPair, SLAVE_HOST } from './testing/replica-pair.ts'

// Random histories of a SYNC_MASTER and its slave: cables are cut, the slave dies and comes back, then the master dies at
// any moment. Everything that was acknowledged with SEND_OK is on the slave, at its place. APOGEE_SEED: where to start;
// APOGEE_REPLICA_SEEDS: how many.

const FIRST_SEED = Number(process.env['APOGEE_SEED'] ?? 1)
const SEEDS = Number(process.env['APOGEE_REPLICA_SEEDS'] ?? 12)
const QUEUES = 4
const STEPS = 30

interface Sent {
  readonly queueId: number
  readonly offset: number
  readonly body: string
}

class History {
  readonly pair: ReplicaPair
  /** Answered SEND_OK. */
  readonly safe: Sent[] = []
  /** All that may be anywhere. */
  readonly bodies = new Set<string>()
  readonly codes = new Map<number, number>()
  private readonly prng: Prng
  private readonly isSync: boolean
  private sends: Promise<void>[] = []
  private isSlaveUp = true
  private count = 0

  constructor(seed: number) {
    this.prng = new Prng(seed)
    this.isSync = this.prng.below(2) === 0
    const common: Partial<BrokerConfigValues> = {
      flushDiskType: this.isSync ? 'SYNC_FLUSH' : 'ASYNC_FLUSH',
    }
    const master = { ...common, brokerRole: 'SYNC_MASTER', slaveTimeout: 500 } as const
    this.pair = new ReplicaPair(seed, master, common)
  }

  async run(): Promise<void> {
    await this.pair.start()
    for (let step = 0; step < STEPS; step++) {
      this.burst(1 + this.prng.below(8))
      await this.pair.cluster.pass(this.prng.below(60))
      await this.trouble()
    }
    this.burst(8)
    await this.pair.cluster.pass(this.prng.below(20))
    this.killMaster()
    await this.pair.cluster.settle(Promise.all(this.sends))
  }

  /** Sends that nobody waits for here. */
  private burst(count: number): void {
    const { cluster, master } = this.pair
    for (let i = 0; i < count; i++) {
      const queueId = this.prng.below(QUEUES)
      const body = `m${this.count++}${'x'.repeat(this.prng.below(3000))}`
      const code = RequestCode.SEND_MESSAGE_V2
      const fields = sendFields(sendHeader({ queueId }), code)
      this.bodies.add(body)
      const request = { code, fields, body: Buffer.from(body) }
      this.sends.push(
        cluster.client.invoke(master.address, request, 10_000).then(
          (answer) => {
            this.codes.set(answer.code, (this.codes.get(answer.code) ?? 0) + 1)
            if (answer.code !== ResponseCode.SUCCESS) return
            this.safe.push({ queueId, offset: Number(answer.fields.get('queueOffset')), body })
          },
          (error: Error & { code?: string }) => {
            // The master is dead: whether it has the message nobody knows.
            if (error.code !== 'REMOTING_CLOSED' && error.code !== 'REMOTING_TIMEOUT') throw error
          },
        ),
      )
    }
  }

  private async trouble(): Promise<void> {
    const { pair, prng } = this
    const { cluster, slave } = pair
    switch (prng.below(8)) {
      case 0:
        pair.cut()
        await cluster.pass(prng.below(900))
        pair.heal()
        break
      case 1:
        cluster.world.network.block(SLAVE_HOST, MASTER_HOST)
        await cluster.pass(prng.below(900))
        pair.heal()
        break
      case 2:
        if (this.isSlaveUp) this.killSlave()
        else await slave.start()
        this.isSlaveUp = !this.isSlaveUp
        break
      default:
        if (!this.isSlaveUp && prng.below(2) === 0) {
          await slave.start()
          this.isSlaveUp = true
        }
    }
  }

  private killSlave(): void {
    // Only what is synced outlives a power cut, and only then it is promised.
    if (this.isSync) this.pair.cluster.world.host(SLAVE_HOST).cutPower()
    else this.pair.slave.kill()
  }

  private killMaster(): void {
    if (this.prng.below(2) === 0) this.pair.master.kill()
    else this.pair.cluster.world.host(MASTER_HOST).cutPower()
  }

  /** The slave's messages by queue. */
  async stored(): Promise<Map<number, Map<number, string>>> {
    const { cluster, slave } = this.pair
    if (!this.isSlaveUp) await slave.start()
    await cluster.until(() => {
      const { appended, dispatched } = slave.services.store.watermarks
      return appended === dispatched
    })
    const queues = new Map<number, Map<number, string>>()
    for (let queueId = 0; queueId < QUEUES; queueId++) {
      const bodies = new Map<number, string>()
      for (let offset = 0; offset < slave.services.store.maxOffset('orders', queueId); ) {
        const pulled = await this.pair.pull(slave, offset, 0, { queueId })
        equal(pulled.code, ResponseCode.SUCCESS)
        for (const { body, queueOffset } of messagesOf(pulled)) {
          bodies.set(queueOffset, Buffer.from(body).toString())
        }
        offset = Number(pulled.fields.get('nextBeginOffset'))
      }
      queues.set(queueId, bodies)
    }
    return queues
  }
}

test('whatever happens, SEND_OK of a synchronous master means that the slave has the message at its place', async () => {
  const codes = new Map<number, number>()
  let safe = 0
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const history = new History(seed)
    await history.run()
    const stored = await history.stored()
    for (const { body, offset, queueId } of history.safe) {
      const there = stored.get(queueId)?.get(offset)
      equal(there, body, `seed ${seed}: queue ${queueId} offset ${offset}`)
    }
    for (const [queueId, bodies] of stored) {
      const offsets = [...bodies.keys()]
      deepEqual(
        offsets,
        offsets.map((_, place) => place),
        `seed ${seed}: queue ${queueId} has no gaps`,
      )
      for (const body of bodies.values()) ok(history.bodies.has(body), `seed ${seed}: a phantom`)
      equal(new Set(bodies.values()).size, bodies.size, `seed ${seed}: a double`)
    }
    for (const [code, count] of history.codes) codes.set(code, (codes.get(code) ?? 0) + count)
    safe += history.safe.length
  }
  // Each answer was given, or the histories prove nothing.
  ok(safe > 50 * SEEDS, String(safe))
  ok(codes.has(ResponseCode.SLAVE_NOT_AVAILABLE), JSON.stringify([...codes]))
  ok(codes.has(ResponseCode.FLUSH_SLAVE_TIMEOUT), JSON.stringify([...codes]))
})
