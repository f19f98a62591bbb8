import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { SimClock, SimNetwork } from '@apogee/env/sim'
import { RequestCode } from '@apogee/protocol'
import fc from 'fast-check'
import {
  type Handler,
  HandlerRegistry,
  handler,
  silentLogger as log,
  RemotingClient,
  RemotingServer,
  success,
} from './mod.ts'

const ADDRESS = '10.0.0.1:10911'
const ECHO = RequestCode.GET_KV_CONFIG
const LATER = RequestCode.GET_CONSUMER_LIST_BY_GROUP

function handlers(clock: SimClock): Handler[] {
  return [
    handler({
      code: ECHO,
      lane: 'route',
      permission: 'client',
      header: {},
      handle: (request) => success(Buffer.from(request.body)),
    }),
    handler({
      code: LATER,
      lane: 'admin',
      permission: 'client',
      header: {},
      handle(request) {
        clock.after(20, () => request.reply(success(Buffer.from(request.body))))
        return null
      },
    }),
  ]
}

/** A server, clients on hosts of their own, and what became of each request. */
class Run {
  readonly clock = new SimClock()
  readonly network: SimNetwork
  readonly server: RemotingServer
  readonly clients: RemotingClient[]
  readonly outcomes: string[][] = []
  private readonly random: Prng

  constructor(random: Prng) {
    const { clock } = this
    this.random = random
    this.network = new SimNetwork({ clock, prng: random.fork() })
    const registry = new HandlerRegistry().add(...handlers(clock))
    const env = { clock, net: this.network.host('10.0.0.1') }
    this.server = new RemotingServer({ host: '0.0.0.0', port: 10911 }, { env, registry, log })
    void this.server.start()
    this.clients = ['10.0.1.1', '10.0.1.2', '10.0.1.3'].map((host, i) => {
      const serializeType = i === 0 ? 1 : 0
      return new RemotingClient(
        { serializeType },
        { env: { clock, net: this.network.host(host) }, log },
      )
    })
    clock.runFor(5)
  }

  ask(client: RemotingClient): string[] {
    const outcomes: string[] = []
    const text = `${this.outcomes.length} `.repeat(1 + this.random.below(3_000))
    this.outcomes.push(outcomes)
    const code = this.random.chance(0.5) ? ECHO : LATER
    client.connection(ADDRESS).request(code, null, Buffer.from(text), 1_000, (error, response) => {
      const good = error === null && response!.body.toString() === text
      outcomes.push(error?.code ?? (good ? 'ok' : 'another response'))
    })
    return outcomes
  }

  disturb(): void {
    const host = `10.0.1.${1 + this.random.below(3)}`
    const what = this.random.below(8)
    if (what === 0) this.network.resetConnections('10.0.0.1', host)
    else if (what === 1) this.network.partition(['10.0.0.1'], [host])
    else if (what === 2) this.network.heal()
  }
}

test('through resets and partitions every request ends exactly once, rightly, and service comes back', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = new Prng(seed)
      const run = new Run(random)
      for (let i = 0; i < 150; i++) {
        run.ask(run.clients[random.below(3)]!)
        if (random.chance(0.3)) run.disturb()
        run.clock.runFor(random.below(40))
      }
      run.network.heal()
      run.clock.runFor(10_000)
      for (const outcomes of run.outcomes) {
        equal(outcomes.length, 1)
        seen.add(outcomes[0]!)
      }
      const last = run.clients.map((client) => run.ask(client))
      run.clock.runFor(1_000)
      for (const outcomes of last) equal(outcomes.join(), 'ok')
      ok(run.server.connections.size >= 3)
      for (const connection of run.server.connections) equal(connection.unanswered, 0)
    }),
    { numRuns: 25 },
  )
  for (const common of ['ok', 'REMOTING_CLOSED', 'REMOTING_TIMEOUT'])
    ok(seen.delete(common), common)
  seen.delete('REMOTING_CONNECT_FAILED')
  equal([...seen].join(), '')
})

test('the same seed gives the same run', () => {
  const trace = (seed: number): string => {
    const random = new Prng(seed)
    const run = new Run(random)
    for (let i = 0; i < 50; i++) {
      run.ask(run.clients[random.below(3)]!)
      if (random.chance(0.3)) run.disturb()
      run.clock.runFor(random.below(40))
    }
    return `${run.clock.eventCount} ${run.outcomes.join()}`
  }
  equal(trace(7), trace(7))
})
