// One store directory, owners in turn: Apache's broker opens, reads and extends what ours wrote, and the reverse, after a
// clean stop and after kill -9. EXCHANGE_SELF_CHECK=1 lets Apache alone pass the store on, which proves the test.
import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { startApache } from '../harness/apache.ts'
import { startApogee } from '../harness/apogee.ts'
import { freePorts, temporaryFolder } from '../harness/processes.ts'
import { createGroup, createTopic, RawClient } from '../harness/raw-client.ts'
import type { Ports, Target, TargetKind } from '../harness/target.ts'
import { delayedTopic, Estate, group, Owner, queues, topic } from './phase.ts'

const chains: readonly (readonly TargetKind[])[] =
  process.env['EXCHANGE_SELF_CHECK'] === undefined
    ? [
        ['apogee', 'apache', 'apogee'],
        ['apache', 'apogee', 'apache'],
      ]
    : [['apache', 'apache', 'apache']]

/** Both refuse files of another size than configured. */
const brokerConf = {
  mappedFileSizeCommitLog: 4 << 20,
  mappedFileSizeConsumeQueue: 20 * 300,
  maxHashSlotNum: 5000,
  maxIndexNum: 20_000,
}

async function phase(
  kind: TargetKind,
  dir: string,
  ports: Ports,
  estate: Estate,
  ending: 'stop' | 'kill',
): Promise<void> {
  const start = kind === 'apache' ? startApache : startApogee
  const target: Target = await start({ dir, ports, brokerConf })
  try {
    if (estate.phase === 0) {
      await createTopic(target.brokerAddr, topic, queues)
      await createTopic(target.brokerAddr, delayedTopic, 1)
      await createGroup(target.brokerAddr, group)
    }
    const client = await RawClient.connect(target.brokerAddr)
    const owner = new Owner(client, estate)
    await owner.checkAll()
    const before = estate.written.length
    // After a kill Apache drops the index files that it cannot trust and does not build them again.
    if (ending === 'stop') await owner.checkLookups(0)
    // A killed broker may not have written the last committed offset yet.
    if (ending === 'stop') await owner.checkCommitted()
    await owner.checkDelayed(ending === 'kill')
    await owner.write()
    await owner.checkAll()
    await owner.checkLookups(before)
    client.close()
  } catch (error) {
    keep(dir, kind, estate.phase)
    await target.kill()
    throw error
  }
  await (ending === 'stop' ? target.stop() : target.kill())
}

/** With E2E_KEEP the store is kept as it was when the check failed. */
function keep(dir: string, kind: TargetKind, number: number): void {
  if (process.env['E2E_KEEP'] === undefined || !existsSync(join(dir, 'store'))) return
  cpSync(join(dir, 'store'), join(dir, `store-failed-${number}-${kind}`), { recursive: true })
}

describe('one store, several owners', () => {
  for (const ending of ['stop', 'kill'] as const) {
    for (const chain of chains) {
      const name = `${chain.join(' -> ')} by ${ending === 'stop' ? 'clean stop' : 'kill -9'}`
      it(name, { timeout: 240_000 }, async () => {
        const dir = temporaryFolder('exchange')
        const ports = { namesrv: await freePorts(1), broker: (await freePorts(4)) + 2 }
        const estate = new Estate()
        for (const kind of [...chain, chain[0] as TargetKind]) {
          await phase(kind, dir, ports, estate, ending)
        }
      })
    }
  }
})
