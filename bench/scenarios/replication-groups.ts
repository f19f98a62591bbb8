// What the replication scenarios share: groups in turn, warm brokers, a slave that has everything.
import { logRange, until } from '../../e2e/harness/broker-facts.ts'
import type { BrokerNode } from '../../e2e/harness/broker-node.ts'
import { RawClient } from '../../e2e/harness/raw-client.ts'
import type { BrokerGroup } from '../candidates/pair.ts'
import type { SendReport } from '../load/send-load.ts'
import {
  APACHE_WARM_SECONDS,
  type BenchOptions,
  interleave,
  type LoadArguments,
  runLoad,
} from './scenario.ts'

export const PIN_NOTE = 'masters on core 0; slaves, clients and load on core 1'
const CONNECT_MS = 60_000
const SEND_MESSAGE_V2 = 310

/** Both nodes of a pair: its slave is compiled by what its master sends. */
export async function warmUpGroup(
  group: BrokerGroup,
  options: BenchOptions,
  load: LoadArguments,
): Promise<void> {
  const seconds = group.name === 'apache' ? APACHE_WARM_SECONDS : options.warmupSeconds
  const busy = { connections: 4, inflight: 16, ...load, warmup: 0, seconds }
  for (const master of group.masters) await runLoad<SendReport>('send-load', master, busy, options)
}

/** `interleave`, each pair measured once its slave is connected again. */
export function interleaveGroups(
  groups: readonly BrokerGroup[],
  rounds: number,
  measure: (group: BrokerGroup, round: number) => Promise<void>,
): Promise<void> {
  return interleave(groups, rounds, async (group, round) => {
    await connected(group)
    await measure(group, round)
  })
}

/** A connection that was suspended for long is made anew, which takes Apache's slave up to ten seconds. */
async function connected({ masters, slaves }: BrokerGroup): Promise<void> {
  for (const [index, slave] of slaves.entries()) {
    const master = masters[index] as BrokerNode
    await until(`${slave.brokerName}: the slave follows`, CONNECT_MS, async () => {
      const code = await probe(master.address)
      const [one, other] = [await logRange(master.address), await logRange(slave.address)]
      return code === 0 && one.max === other.max
    })
  }
}

/** One message to a topic that every broker has; its code says whether a slave has it where that is asked for. */
async function probe(address: string): Promise<number> {
  const client = await RawClient.connect(address)
  const properties = `UNIQ_KEY\u0001${'0'.repeat(32)}\u0002WAIT\u0001true\u0002`
  const names = { a: 'probe', b: 'BenchmarkTest', c: 'TBW102', d: 4, e: 0, f: 0, g: Date.now() }
  const fields = { ...names, h: 0, i: properties, j: 0, k: false, l: 0, m: false }
  try {
    return (await client.request(SEND_MESSAGE_V2, fields, Buffer.from('probe'))).code
  } finally {
    client.close()
  }
}
