// Ten thousand transactions with every outcome, through kills of the producer and of the broker: what was committed is
// seen, what was rolled back never is. TRANSACTIONS sets another number, TRANSACTIONS_SEED repeats the moments.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Prng } from '@apogee/base'
import type { ClientProgram } from '../harness/client-program.ts'
import { startApogeeClient } from '../harness/other-clients.ts'
import { temporaryFolder } from '../harness/processes.ts'
import { GroupMembers } from './group-members.ts'
import { Masters } from './masters.ts'
import { planOf } from './outcomes.ts'

const COUNT = Number(process.env['TRANSACTIONS'] ?? 10_000)
const SEED = Number(process.env['TRANSACTIONS_SEED'] ?? Date.now() % 1_000_000)
const TOPIC = 'Transactions'
const BATCHES = 10
const SETTLE_LIMIT_MS = 90_000
/** Checks come every second: this long without a new message, nothing more comes. */
const QUIET_MS = 5000

const FAST_CHECKS = {
  transactionCheckInterval: 1000,
  transactionTimeOut: 1000,
  // A producer may be away for longer than fifteen of these.
  transactionCheckMax: 1000,
}

class Transactions {
  /** Bodies of halves that are known to be stored. */
  readonly halves = new Set<string>()
  readonly #masters: Masters
  readonly #dir: string
  #program: ClientProgram | null = null
  #starts = 0
  #finished = 0

  constructor(masters: Masters, dir: string) {
    this.#masters = masters
    this.#dir = dir
  }

  async start(first: number, count: number): Promise<void> {
    const name = `transactions-${this.#starts++}`
    this.#program ??= this.#listen(
      await startApogeeClient(this.#masters.namesrvAddr, this.#dir, name),
    )
    const args = { name, instance: name, topic: TOPIC, producerGroup: 'tx_group', first, count }
    await this.#program.run('start-transactions', args)
  }

  async finished(batches: number, limitMs: number): Promise<void> {
    const until = Date.now() + limitMs
    while (this.#finished < batches && Date.now() < until) await sleep(50)
  }

  get batchesFinished(): number {
    return this.#finished
  }

  async kill(): Promise<void> {
    const program = this.#program
    this.#program = null
    await program?.kill()
  }

  #listen(program: ClientProgram): ClientProgram {
    program.onLine((line) => {
      if (line.startsWith('{"half"')) this.halves.add((JSON.parse(line) as { half: string }).half)
      if (line.startsWith('{"finished"')) this.#finished++
    })
    return program
  }
}

describe(`transactions under kills, seed ${SEED}`, () => {
  const dir = temporaryFolder('transactions')
  let masters: Masters
  let members: GroupMembers
  let transactions: Transactions

  before(async () => {
    masters = await Masters.start(dir, 1, 1, FAST_CHECKS)
    await masters.createTopic(TOPIC, 8)
    const { namesrvAddr } = masters
    const options = { namesrvAddr, topic: TOPIC, group: 'tx_readers', orderly: false, dir }
    members = new GroupMembers(options)
    transactions = new Transactions(masters, dir)
    await members.join('apogee')
  })
  after(async () => {
    await transactions.kill()
    await members.killAll()
    await masters.kill()
  })

  it(`${COUNT} transactions: committed ones are seen, rolled back ones never`, async (t) => {
    const prng = new Prng(SEED)
    const [broker] = masters.brokers
    const size = Math.ceil(COUNT / BATCHES)
    for (let batch = 0; batch < BATCHES; batch++) {
      const before = transactions.batchesFinished
      await transactions.start(batch * size, size)
      if (batch % 3 === 1) {
        await sleep(50 + prng.below(300))
        await transactions.kill()
      } else if (batch % 3 === 2) {
        await sleep(50 + prng.below(300))
        await broker?.kill()
        await broker?.start()
        await transactions.finished(before + 1, 60_000)
      } else await transactions.finished(before + 1, 60_000)
    }
    // Somebody of the group must be there to be asked.
    await transactions.start(COUNT, 1)
    const committed = [...transactions.halves].filter((body) => planOf(body).checked === 'commit')
    const seen = (): Set<string> => new Set(members.deliveries.map(({ body }) => body))
    const until = Date.now() + SETTLE_LIMIT_MS
    const missing = (): string[] => committed.filter((body) => !seen().has(body))
    while (missing().length > 0 && Date.now() < until) await sleep(200)
    for (let count = -1; count !== members.deliveries.length; ) {
      count = members.deliveries.length
      await sleep(QUIET_MS)
    }
    const bodies = members.deliveries.map(({ body }) => body)
    const rolledBack = bodies.filter((body) => planOf(body).checked === 'rollback')
    t.diagnostic(
      `${transactions.halves.size} halves known, ${committed.length} of them committed, ${bodies.length} deliveries of ${seen().size} messages`,
    )
    assert.deepEqual(missing(), [])
    assert.deepEqual(rolledBack, [])
    assert.ok(transactions.halves.size > COUNT / 2, 'the kills left too few transactions')
  })
})
