// What joins both houses: replication in either direction, the path of a whole cluster from one to the other, and clients
// of all houses through the death of a master. All at once, because most of their time is waiting for Apache's timers.
import { after, describe, it } from 'node:test'
import { endAllProcesses } from '../harness/processes.ts'
import { failover } from './failover-clients.ts'
import { walk } from './migration.ts'
import { seed } from './options.ts'
import { ourSlave, theirSlave } from './replication.ts'

const timeout = 300_000

describe(`Apogee and Apache in one cluster, seed ${seed}`, { concurrency: true }, () => {
  after(endAllProcesses)

  it("a slave of Apache's follows our master and goes on as master", { timeout }, theirSlave)

  it("our slave follows Apache's master", { timeout }, ourSlave)

  it("a cluster moves from Apache's servers to ours and back", { timeout }, walk)

  it('clients of every house lose nothing when a master is killed', { timeout }, failover)
})
