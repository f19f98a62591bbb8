import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { EndTransactionRequestHeader, encodeHeader, RequestCode } from '@apogee/protocol'
import { BrokerWorld } from '../testing/broker-world.ts'
import {
  allOf,
  type Check,
  type Decision,
  type Prepared,
  progressOf,
  TestTransactionProducer,
} from '../testing/transactions.ts'

const SEEDS = Number(process.env['APOGEE_TRANSACTION_SEEDS'] ?? 200)
const FIRST_SEED = Number(process.env['APOGEE_SEED'] ?? 1)
const ROUND_MS = 400
const TOPIC = 'pay'

/** What a seed came to. */
interface Outcome {
  committed: number
  seen: number
  kills: number
  checks: number
}

/** A broker that is killed and stopped in random moments, and a producer that keeps its word. */
class CrashRun {
  readonly truth = new Map<string, Decision>()
  kills = 0
  private readonly prng: Prng
  private readonly world: BrokerWorld
  private readonly producer: TestTransactionProducer
  private readonly killing: boolean
  private readonly isSync: boolean
  private readonly inFlight = new Set<Promise<void>>()
  private ids = 0
  private isCalm = false

  constructor(seed: number, killing: boolean) {
    this.prng = new Prng(seed)
    this.killing = killing
    this.isSync = this.prng.below(2) === 0
    this.world = new BrokerWorld(seed, {
      flushDiskType: this.isSync ? 'SYNC_FLUSH' : 'ASYNC_FLUSH',
      transactionTimeOut: 100,
      transactionCheckInterval: ROUND_MS,
      transactionCheckMax: 1000,
      transactionOpBatchInterval: 150,
      transactionsPendingMax: this.prng.below(3) === 0 ? 16 : 1000,
      flushConsumerOffsetInterval: 100,
      autoCreateTopicEnable: true,
    })
    this.producer = new TestTransactionProducer(this.world, '10.0.0.2')
    this.producer.onCheck = (check) => this.answer(check)
  }

  async run(steps: number): Promise<Outcome> {
    await this.world.start()
    await this.producer.beat()
    for (let step = 0; step < steps; step++) await this.step()
    await this.calm()
    const seen = await this.seen()
    this.judge(seen)
    const committed = [...this.truth.values()].filter((decision) => decision === 'commit').length
    return { committed, seen: seen.length, kills: this.kills, checks: this.producer.checks.length }
  }

  private async step(): Promise<void> {
    const { prng, world } = this
    const kind = prng.below(20)
    if (kind < 13) this.start()
    else if (kind < 18) await world.pass(1 + prng.below(kind === 17 ? 2 * ROUND_MS : 20))
    else if (this.killing) await this.restart(prng.below(4) === 0)
  }

  /** One transaction, from its half message to a decision that may get lost. Nobody waits for it. */
  private start(): void {
    const id = `t${this.ids++}`
    const work = this.transact(id).catch(() => undefined)
    this.inFlight.add(work)
    void work.finally(() => this.inFlight.delete(work))
  }

  private async transact(id: string): Promise<void> {
    const { prng } = this
    const kind = prng.below(10)
    const prepared = await this.producer.prepareNow(TOPIC, id)
    // The local transaction is done once the half message is acknowledged.
    const decision: Decision = prng.below(2) === 0 ? 'commit' : 'rollback'
    this.truth.set(id, decision)
    if (kind < 6) this.end(prepared, decision, false)
    if (kind === 5) this.end(prepared, decision, false)
  }

  private end(prepared: Prepared, decision: Decision, fromTransactionCheck: boolean): void {
    const header = this.producer.endFields(prepared, decision, { fromTransactionCheck })
    const fields = encodeHeader(EndTransactionRequestHeader, header)
    const code = RequestCode.END_TRANSACTION
    this.producer.client.oneway(this.world.address, { code, fields }).catch(() => undefined)
  }

  /** A producer that crashed before it knew the half message was stored has nothing to commit. */
  private answer(check: Check): void {
    const lost = !this.isCalm && this.prng.below(3) === 0
    if (!lost) this.end(check, this.truth.get(check.id) ?? 'rollback', true)
  }

  private async restart(cleanly: boolean): Promise<void> {
    if (cleanly) await this.world.stop()
    else {
      this.kills++
      // Only SYNC_FLUSH promises anything over a power cut. A sector that is garbled while it is written again takes what
      // was synced in it as well; that is the store's matter, and its tests'.
      if (this.isSync && this.prng.below(2) === 0) this.world.host.cutPower({ damage: 0 })
      else this.world.host.kill()
    }
    await this.world.pass(this.prng.below(10))
    await this.world.start()
    await this.beat()
  }

  private async beat(): Promise<void> {
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        await this.producer.beat()
        return
      } catch {
        await this.world.pass(5)
      }
    }
    throw new Error('the producer cannot reach the broker')
  }

  /** No further crash: every transaction must come to its end. */
  private async calm(): Promise<void> {
    this.isCalm = true
    for (let round = 0; round < 40; round++) {
      await this.beat()
      await this.world.pass(ROUND_MS)
      await this.world.settle(this.world.broker!.refreshMetrics())
      const { half } = progressOf(this.world)
      const { store, transactions } = this.world.broker!.services!
      const end = store.maxOffset('RMQ_SYS_TRANS_HALF_TOPIC', 0)
      if (Math.max(0, half) === end && transactions.halfMessages().size === 0) return
    }
    throw new Error('transactions are left undecided')
  }

  private async seen(): Promise<string[]> {
    const reader = this.world.client('10.0.0.9')
    const texts: string[] = []
    for (let queueId = 0; queueId < 4; queueId++) {
      const messages = await allOf(this.world, reader, TOPIC, queueId)
      texts.push(...messages.map(({ body }) => Buffer.from(body).toString()))
    }
    return texts
  }

  private judge(seen: string[]): void {
    const times = new Map<string, number>()
    for (const id of seen) times.set(id, (times.get(id) ?? 0) + 1)
    for (const [id, decision] of this.truth) {
      if (decision === 'commit') ok(times.has(id), `${id} was committed and is lost`)
    }
    for (const id of times.keys()) {
      equal(this.truth.get(id), 'commit', `${id} was never committed and is seen`)
    }
    if (!this.killing) for (const [id, count] of times) equal(count, 1, `${id} came twice`)
  }
}

async function runSeeds(killing: boolean, seeds: number, steps: number): Promise<Outcome> {
  const total: Outcome = { committed: 0, seen: 0, kills: 0, checks: 0 }
  for (let seed = FIRST_SEED; seed < FIRST_SEED + seeds; seed++) {
    try {
      const outcome = await new CrashRun(seed, killing).run(steps)
      for (const key of Object.keys(total) as (keyof Outcome)[]) total[key] += outcome[key]
    } catch (error) {
      throw new Error(`APOGEE_SEED=${seed}: ${(error as Error).message}`, { cause: error })
    }
  }
  return total
}

test('through kills and restarts committed messages come at least once and others never', async () => {
  const total = await runSeeds(true, SEEDS, 60)
  ok(total.kills > SEEDS && total.checks > SEEDS, JSON.stringify(total))
  // A kill takes decisions before they are written; the key index knows of the message. Where it does not, a copy comes.
  ok(total.seen - total.committed <= total.kills / 20, JSON.stringify(total))
})

test('without a crash every committed message comes exactly once, however often its end is sent', async () => {
  const total = await runSeeds(false, Math.ceil(SEEDS / 5), 60)
  deepEqual(total.seen, total.committed)
})
