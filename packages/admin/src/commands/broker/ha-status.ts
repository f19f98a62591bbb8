import type { HARuntimeInfo } from '@apogee/protocol'
import {
  type AdminCommand,
  type CommandContext,
  type CommandOutput,
  command,
  type Row,
} from '../../command.ts'
import type { OfBroker } from '../../operations/broker-operations.ts'
import type { BrokerTarget } from '../../operations/where.ts'
import { column, numbers, wide } from '../shared/columns.ts'
import { BROKER_ADDR, CLUSTER_NAME, either, type WhereOptions } from '../shared/options.ts'
import { table } from '../shared/output.ts'
import { repeated } from '../shared/repeated.ts'

interface Options extends WhereOptions {
  readonly intervalSeconds?: number
}

const COLUMNS = [
  column('broker', 'BROKER'),
  column('address', 'ADDRESS'),
  column('role', 'ROLE'),
  numbers('offset', 'OFFSET'),
  column('peer', 'PEER'),
  numbers('peerOffset', 'PEER OFFSET'),
  numbers('lagBytes', 'LAG'),
  column('inSync', 'IN SYNC'),
  column('isFollowing', 'FOLLOWS'),
  numbers('bytesPerSecond', 'BYTES/S'),
  ...wide(
    numbers('sentOffset', 'SENT'),
    numbers('inSyncSlaves', 'SLAVES IN SYNC'),
    column('lastReadAtMs', 'LAST READ'),
    column('lastWriteAtMs', 'LAST WRITE'),
  ),
]

/** Java: HAStatusSubCommand. Codes 907, 106. */
export const haStatus: AdminCommand = command<Options>({
  name: 'haStatus',
  path: ['broker', 'replication'],
  summary: 'Show what a master knows of its slaves, and a slave of its master',
  options: [
    ...either('where', BROKER_ADDR, CLUSTER_NAME),
    {
      flags: '-i, --interval <seconds>',
      key: 'intervalSeconds',
      help: 'repeat until interrupted',
      type: 'int',
    },
  ],
  examples: [
    'broker replication -c DefaultCluster',
    'broker replication -b 10.0.0.1:10911 -i 2',
    'haStatus -n 10.0.0.1:9876 -c DefaultCluster',
  ],
  run: (context, options) => {
    const { intervalSeconds } = options
    if (intervalSeconds === undefined) return look(context, options)
    return repeated(context, intervalSeconds * 1_000, () => look(context, options))
  },
})

async function look({ admin }: CommandContext, where: WhereOptions): Promise<CommandOutput> {
  const { results, problems } = await admin.brokers.replication(where)
  return table(COLUMNS, results.flatMap(rowsOf), { problems })
}

function rowsOf({ broker, value }: OfBroker<HARuntimeInfo>): Row[] {
  return value.master ? masterRows(broker, value) : [slaveRow(broker, value)]
}

/** One for each slave that is connected, and one when there is none. */
function masterRows(broker: BrokerTarget, value: HARuntimeInfo): Row[] {
  const { haConnectionInfo, inSyncSlaveNums: inSyncSlaves } = value
  const own = { ...place(broker, 'MASTER'), offset: value.masterCommitLogMaxOffset, inSyncSlaves }
  if (haConnectionInfo.length === 0) return [{ ...own, ...NO_PEER }]
  return haConnectionInfo.map((slave) => ({
    ...own,
    peer: slave.addr,
    peerOffset: slave.slaveAckOffset,
    // Apache's master says less than nothing for a slave that was never sent anything.
    lagBytes: Math.max(0, slave.diff),
    inSync: slave.inSync,
    isFollowing: null,
    bytesPerSecond: slave.transferredByteInSecond,
    sentOffset: slave.transferFromWhere,
    lastReadAtMs: null,
    lastWriteAtMs: null,
  }))
}

function slaveRow(broker: BrokerTarget, { haClientRuntimeInfo: client }: HARuntimeInfo): Row {
  const { masterFlushOffset, maxOffset } = client
  return {
    ...place(broker, 'SLAVE'),
    offset: maxOffset,
    inSyncSlaves: null,
    peer: client.masterAddr === '' ? null : client.masterAddr,
    peerOffset: masterFlushOffset,
    lagBytes: Math.max(0, masterFlushOffset - maxOffset),
    inSync: null,
    isFollowing: client.activated,
    bytesPerSecond: client.transferredByteInSecond,
    sentOffset: null,
    lastReadAtMs: timeOrNull(client.lastReadTimestamp),
    lastWriteAtMs: timeOrNull(client.lastWriteTimestamp),
  }
}

const NO_PEER = {
  peer: null,
  peerOffset: null,
  lagBytes: null,
  inSync: null,
  isFollowing: null,
  bytesPerSecond: null,
  sentOffset: null,
  lastReadAtMs: null,
  lastWriteAtMs: null,
}

function place({ brokerName, address }: BrokerTarget, role: 'MASTER' | 'SLAVE'): Row {
  return { broker: brokerName, address, role }
}

function timeOrNull(ms: number): number | null {
  return ms > 0 ? ms : null
}
