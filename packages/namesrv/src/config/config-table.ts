/** Types of a value in namesrv.conf. */
export type NamesrvConfigType = 'string' | 'int' | 'long' | 'bool'
export type NamesrvConfigValue = string | number | boolean

/** One key of namesrv.conf. */
export interface NamesrvConfigKey {
  readonly key: string
  readonly type: NamesrvConfigType
  readonly default: NamesrvConfigValue
  /** `ignored`: Apache needs it for something that Apogee does not have, so any value is fine. */
  readonly effect: 'used' | 'ignored'
  /**
   * May change while the NameServer runs (request code 318). An allow-list: no path, address or
   * port is on it.
   */
  readonly reloadable: boolean
  /** For `used`: what it does, with unit. For `ignored`: why it does nothing. */
  readonly help: string
  readonly min?: number
  readonly max?: number
}

/** The keys in use, with Apache's names and, where nothing is said, Apache's defaults. */
export interface NamesrvConfig {
  listenPort: number
  bindAddress: string
  kvConfigPath: string
  configStorePath: string
  serverChannelMaxIdleTimeSeconds: number
  scanNotActiveBrokerInterval: number
  orderMessageEnable: boolean
  returnOrderTopicConfigToBroker: boolean
  supportActingMaster: boolean
  notifyMinBrokerIdChanged: boolean
  deleteTopicWithBrokerRegistration: boolean
  enableAllTopicList: boolean
  enableTopicList: boolean
  needWaitForService: boolean
  waitSecondsForService: number
  brokersMax: number
  topicsMax: number
  kvConfigBytesMax: number
}

const usedRows: readonly NamesrvConfigKey[] = [
  int('listenPort', 9876, 'port to listen on; 0 = any free one', { max: 65_535 }),
  // Apache listens on all interfaces; ours only on the machine itself until told otherwise.
  text('bindAddress', '127.0.0.1', 'address to listen on; 0.0.0.0 = all interfaces'),
  text('kvConfigPath', '', 'file of the KV config, absolute; empty = kept in memory only'),
  text(
    'configStorePath',
    '',
    'properties file, absolute, that takes changes made at runtime (code 318); empty = not kept',
  ),
  int(
    'serverChannelMaxIdleTimeSeconds',
    120,
    'a connection without a byte for this long is closed, s',
    {
      min: 1,
      max: 86_400,
    },
  ),
  long('scanNotActiveBrokerInterval', 5_000, 'how often silent brokers are looked for, ms', {
    min: 100,
    max: 600_000,
    live: true,
  }),
  bool('orderMessageEnable', false, 'put the order configuration of a topic into its route', true),
  bool(
    'returnOrderTopicConfigToBroker',
    true,
    'answer a registration with the order configuration of all topics',
    true,
  ),
  bool(
    'supportActingMaster',
    false,
    'show the lowest slave as master while the master is gone',
    true,
  ),
  bool(
    'notifyMinBrokerIdChanged',
    false,
    'tell brokers when the lowest id of their group changes',
    true,
  ),
  bool(
    'deleteTopicWithBrokerRegistration',
    false,
    'a topic missing from a registration is deleted for that broker; brokers need enableSingleTopicRegister=true then',
    true,
  ),
  bool('enableAllTopicList', true, 'answer the list of all topics (code 206)', true),
  bool(
    'enableTopicList',
    true,
    'answer topic lists by cluster and unit (codes 224, 311, 312, 313)',
    true,
  ),
  bool(
    'needWaitForService',
    false,
    'give no routes for waitSecondsForService after the start',
    true,
  ),
  int('waitSecondsForService', 45, 'for needWaitForService, s', { max: 86_400, live: true }),
  int('brokersMax', 10_000, 'broker addresses at most; further ones are refused', { min: 1 }),
  int('topicsMax', 1_000_000, 'topic names at most; a registration beyond is refused', { min: 1 }),
  int('kvConfigBytesMax', 4_194_304, 'size of the KV config as JSON at most, bytes', { min: 1024 }),
]

const ignoredRows: readonly NamesrvConfigKey[] = [
  ...ignored('one event loop serves every request: no thread pools, no buffer pools', [
    ['clientRequestThreadPoolNums', 'int', 8],
    ['defaultThreadPoolNums', 'int', 16],
    ['clientRequestThreadPoolQueueCapacity', 'int', 50_000],
    ['defaultThreadPoolQueueCapacity', 'int', 10_000],
    ['serverWorkerThreads', 'int', 8],
    ['serverCallbackExecutorThreads', 'int', 0],
    ['serverSelectorThreads', 'int', 3],
    ['serverOnewaySemaphoreValue', 'int', 256],
    ['serverAsyncSemaphoreValue', 'int', 64],
    ['serverSocketSndBufSize', 'int', 0],
    ['serverSocketRcvBufSize', 'int', 0],
    ['serverSocketBacklog', 'int', 1024],
    ['writeBufferHighWaterMark', 'int', 0],
    ['writeBufferLowWaterMark', 'int', 0],
    ['serverNettyWorkerGroupEnable', 'bool', true],
    ['serverPooledByteBufAllocatorEnable', 'bool', true],
    ['useEpollNativeSelector', 'bool', false],
  ]),
  ...ignored('an unregistration is applied at once and never queued', [
    ['unRegisterBrokerQueueCapacity', 'int', 3_000],
  ]),
  ...ignored('a stop always drains', [
    ['enableShutdownGracefully', 'bool', false],
    ['shutdownWaitTimeSeconds', 'int', 30],
  ]),
  ...ignored('nothing here is looked up in another environment', [
    ['clusterTest', 'bool', false],
    ['productEnvName', 'string', 'center'],
  ]),
  ...ignored('failover is DLedger’s: there is no separate controller', [
    ['enableControllerInNamesrv', 'bool', false],
  ]),
  ...ignored('changes at runtime go by an allow-list', [
    ['configBlackList', 'string', 'configBlackList;configStorePath;kvConfigPath'],
    ['rocketmqHome', 'string', ''],
  ]),
]

/** Every key of Apache's NamesrvConfig and NettyServerConfig, and ours. */
export const namesrvConfigTable: readonly NamesrvConfigKey[] = [...usedRows, ...ignoredRows]

/** The value of every key that nothing has been said about. */
export function namesrvConfigDefaults(): NamesrvConfig {
  const values: Record<string, NamesrvConfigValue> = {}
  for (const row of usedRows) values[row.key] = row.default
  // The rows in use are the fields of NamesrvConfig, each of its type; a test holds them together.
  return values as unknown as NamesrvConfig
}

interface NumberRange {
  min?: number
  max?: number
  live?: boolean
}

function int(key: string, standard: number, help: string, range: NumberRange): NamesrvConfigKey {
  return number('int', key, standard, help, range)
}

function long(key: string, standard: number, help: string, range: NumberRange): NamesrvConfigKey {
  return number('long', key, standard, help, range)
}

function number(
  type: 'int' | 'long',
  key: string,
  standard: number,
  help: string,
  range: NumberRange,
): NamesrvConfigKey {
  const { min = 0, max = 2_147_483_647, live = false } = range
  return { key, type, default: standard, effect: 'used', reloadable: live, help, min, max }
}

function text(key: string, standard: string, help: string): NamesrvConfigKey {
  return { key, type: 'string', default: standard, effect: 'used', reloadable: false, help }
}

function bool(key: string, standard: boolean, help: string, live: boolean): NamesrvConfigKey {
  return { key, type: 'bool', default: standard, effect: 'used', reloadable: live, help }
}

function ignored(
  help: string,
  rows: readonly (readonly [string, NamesrvConfigType, NamesrvConfigValue])[],
): NamesrvConfigKey[] {
  return rows.map(([key, type, standard]) => ({
    key,
    type,
    default: standard,
    effect: 'ignored',
    reloadable: false,
    help,
  }))
}
