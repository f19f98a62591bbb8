import { bool, choice, int, long, secret, text, type UsedRow } from './config-key.ts'
import type { BrokerConfigValues } from './config-values.ts'

type Rows<K extends keyof BrokerConfigValues> = { [P in K]: UsedRow<BrokerConfigValues[P]> }

export type ReplicationKey =
  | 'haMasterAddress'
  | 'haSendHeartbeatInterval'
  | 'haHousekeepingInterval'
  | 'haTransferBatchSize'
  | 'haMaxGapNotInSync'
  | 'slaveTimeout'
  | 'inSyncReplicas'
  | 'minInSyncReplicas'
  | 'haFlowControlEnable'
  | 'maxHaTransferByteInSecond'
  | 'syncFromLastFile'
  | 'slaveReadEnable'
  | 'offsetCheckInSlave'
  | 'accessMessageInMemoryMaxRatio'
  | 'haAllowedPeers'
  | 'haSharedSecret'
  | 'haPeerProtocol'
  | 'haDivergedTailMax'
  | 'haMetadataIntervalMs'
  | 'haTransferFromLastFile'
  | 'autoCreateTopicOnAllMasters'

const REPLICAS_MAX = 64

/** Masters and slaves. */
export const replicationRows: Rows<ReplicationKey> = {
  haMasterAddress: text('', 'slave: host:port of the master; empty = as NameServers say'),
  haSendHeartbeatInterval: int(5000, 'a silent replication connection is used after, ms', {
    min: 10,
  }),
  haHousekeepingInterval: int(20_000, 'a silent replication connection is closed after, ms', {
    min: 20,
  }),
  haTransferBatchSize: int(32_768, "bytes of one transfer to a slave of Apache's", {
    min: 1024,
    max: 16_777_216,
  }),
  haMaxGapNotInSync: int(268_435_456, 'a slave further behind is not in sync, bytes'),
  slaveTimeout: int(3000, 'SYNC_MASTER: FLUSH_SLAVE_TIMEOUT after, ms', { min: 1 }),
  inSyncReplicas: int(
    2,
    'SYNC_MASTER: how many have a message before SEND_OK, the master included (Apache: 1, which waits for no slave)',
    { min: 1, max: REPLICAS_MAX },
  ),
  minInSyncReplicas: int(
    1,
    'SYNC_MASTER: sends are refused while fewer are in sync, the master included',
    { live: true, min: 1, max: REPLICAS_MAX },
  ),
  haFlowControlEnable: bool(false, 'maxHaTransferByteInSecond applies'),
  maxHaTransferByteInSecond: long(104_857_600, 'most bytes per second to a slave', { min: 1024 }),
  syncFromLastFile: bool(false, "slave: an empty one begins at its master's last log file"),
  slaveReadEnable: bool(
    true,
    'slaves are read from; the same on master and slave (Apache: false)',
    {
      live: true,
    },
  ),
  offsetCheckInSlave: bool(false, 'a slave tells consumers to move to offsets that it has', {
    live: true,
  }),
  accessMessageInMemoryMaxRatio: int(
    40,
    'a reader that is further behind than this share of the memory is sent to a slave, percent',
    { live: true, max: 100 },
  ),
  haAllowedPeers: text(
    '127.0.0.0/8,::1',
    'master: addresses and networks that slaves may come from, separated by commas',
  ),
  haSharedSecret: secret('master and slave prove to each other that they know it; empty = not'),
  haPeerProtocol: choice(
    'auto',
    ['auto', 'apogee', 'apache'],
    'slave: how it speaks to its master; auto asks the master what it is',
  ),
  haDivergedTailMax: long(
    1_073_741_824,
    'slave: most bytes that are cut off a log that is not as its master has it',
  ),
  haMetadataIntervalMs: int(1000, 'slave: topics, groups and offsets are compared every, ms', {
    min: 100,
  }),
  haTransferFromLastFile: bool(
    false,
    "master: an empty slave of Apache's begins at the last log file, as with Apache's master",
  ),
  autoCreateTopicOnAllMasters: bool(
    true,
    'a topic that a send makes is made on the other masters of the cluster too',
    { live: true },
  ),
}
