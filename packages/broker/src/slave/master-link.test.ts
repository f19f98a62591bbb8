import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { ApogeeError } from '@apogee/base'
import type { HaSlaveState } from '@apogee/ha'
import { encodeBody, KVTable, RequestCode, ResponseCode } from '@apogee/protocol'
import { type Response, silentLogger } from '@apogee/remoting'
import { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerConfigValues } from '../config/config-values.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { MasterLink } from './master-link.ts'

/** A link between a replication that notes what it is told, and masters that say who they are after 10 ms. */
class Bench {
  readonly clock = new ManualClock()
  /** By main address; missing: cannot be reached. */
  readonly masters = new Map<string, 'apogee' | 'apache' | 'refuses'>()
  readonly told: string[] = []
  readonly errors: unknown[] = []
  asked = 0
  known: { masterAddr: string; haServerAddr: string } | null = null
  readonly status: { state: HaSlaveState; masterOffset: number } = {
    state: 'idle',
    masterOffset: 0,
  }
  readonly link: MasterLink
  private target = 'nobody'

  constructor(values: Partial<BrokerConfigValues> = {}) {
    const error = (fields: { code?: string }): void => {
      this.errors.push(fields.code)
    }
    this.link = new MasterLink(BrokerConfig.of({ brokerRole: 'SLAVE', brokerId: 1, ...values }), {
      clock: this.clock,
      log: { ...silentLogger, error },
      client: { invoke: (address, { code }) => this.answer(address, code) },
      master: () => this.known,
      replication: {
        status: this.status,
        follow: (target) => {
          const text = target === null ? 'nobody' : `${target.address} ${target.protocol}`
          if (text !== this.target) this.told.push(text)
          this.target = text
          this.status.state = target === null ? 'idle' : 'connecting'
        },
      },
    })
  }

  name(masterAddr: string, haServerAddr: string): void {
    this.known = { masterAddr, haServerAddr }
    this.link.look()
  }

  /** What replication goes through. */
  enter(...states: HaSlaveState[]): void {
    for (const state of states) {
      this.status.state = state
      this.link.look()
    }
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advanceAsync(ms)
  }

  /** Takes what was told since the last time. */
  taken(): string[] {
    return this.told.splice(0)
  }

  private answer(address: string, code: number): Promise<Response> {
    equal(code, RequestCode.GET_BROKER_RUNTIME_INFO)
    this.asked++
    const kind = this.masters.get(address)
    const table = new Map([['brokerVersion', '479']])
    if (kind === 'apogee') table.set('apogeeHaVersion', '1')
    const body = encodeBody(KVTable, { table })
    const answer = kind === 'refuses' ? ResponseCode.SYSTEM_ERROR : ResponseCode.SUCCESS
    return new Promise((resolve, reject) => {
      this.clock.after(10, () => {
        if (kind === undefined) reject(new ApogeeError('REMOTING_CONNECT_FAILED', 'away'))
        else resolve({ code: answer, remark: null, fields: new Map(), body })
      })
    })
  }
}

test('a master says what it speaks before anything is sent to its replication port', async () => {
  const bench = new Bench()
  bench.masters.set('m:1', 'apogee').set('n:1', 'apache')
  bench.link.look()
  deepEqual(bench.taken(), [])
  bench.name('m:1', 'm:2')
  deepEqual(bench.taken(), [])
  await bench.pass(20)
  deepEqual(bench.taken(), ['m:2 apogee'])
  bench.enter('handshake', 'checking', 'following')
  bench.name('n:1', 'n:2')
  deepEqual(bench.taken(), ['nobody'])
  await bench.pass(20)
  deepEqual(bench.taken(), ['n:2 apache'])
  equal(bench.asked, 2)
})

test('after a lost connection it is asked again: another broker may be there', async () => {
  const bench = new Bench()
  bench.masters.set('m:1', 'apogee')
  bench.name('m:1', 'm:2')
  await bench.pass(20)
  bench.enter('handshake', 'following')
  deepEqual(bench.taken(), ['m:2 apogee'])
  bench.masters.delete('m:1')
  bench.enter('connecting')
  await bench.pass(3500)
  deepEqual(bench.taken(), ['nobody'])
  bench.masters.set('m:1', 'apache')
  await bench.pass(1100)
  deepEqual(bench.taken(), ['m:2 apache'])
})

test('one that answers without an answer is asked once a second', async () => {
  const bench = new Bench()
  bench.masters.set('m:1', 'refuses')
  bench.name('m:1', 'm:2')
  for (let i = 0; i < 50; i++) {
    bench.link.look()
    await bench.pass(100)
  }
  equal(bench.asked, 5)
  deepEqual(bench.taken(), [])
  bench.link.stop()
  await bench.pass(5000)
  equal(bench.asked, 5)
})

test('a replication port that cannot be connected to keeps its protocol for a while only', async () => {
  const bench = new Bench()
  bench.masters.set('m:1', 'apogee')
  bench.name('m:1', 'm:2')
  await bench.pass(20)
  deepEqual(bench.taken(), ['m:2 apogee'])
  await bench.pass(5000)
  bench.enter('connecting')
  deepEqual(bench.taken(), [])
  await bench.pass(5000)
  bench.enter('connecting')
  deepEqual(bench.taken(), ['nobody'])
  await bench.pass(20)
  deepEqual(bench.taken(), ['m:2 apogee'])
})

test('what the configuration says is done without asking', () => {
  const bench = new Bench({ haMasterAddress: 'x:9', haPeerProtocol: 'apache' })
  bench.link.look()
  deepEqual(bench.taken(), ['x:9 apache'])
  bench.enter('following', 'connecting')
  deepEqual(bench.taken(), [])
  equal(bench.asked, 0)
})

test('what cannot be is told once, by a code', async () => {
  const bench = new Bench({ haSharedSecret: 'secret' })
  bench.masters.set('m:1', 'apache')
  bench.name('m:1', 'm:2')
  await bench.pass(20)
  bench.link.look()
  bench.link.look()
  deepEqual(bench.taken(), [])
  deepEqual(bench.errors, ['HA_SECRET_NEEDS_APOGEE'])
})
