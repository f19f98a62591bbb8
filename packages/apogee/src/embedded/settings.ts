import { isAbsolute } from 'node:path'
import { ApogeeError } from '@apogee/base'
import { BrokerConfig } from '@apogee/broker'
import { brokerNameOf } from '../node-names.ts'
import type {
  BrokerKeys,
  BrokerPlace,
  ClusterMode,
  ClusterOptions,
  ClusterSettings,
  ClusterStore,
  ClusterTopicOptions,
} from './options.ts'

/** Letters of broker-a … broker-z. */
const BROKERS_MAX = 26
const NAME_SERVERS_MAX = 16
const SLAVES_MAX = 8
const MODES: readonly ClusterMode[] = ['single', 'multi-master', 'async-replica', 'sync-replica']

/** What the cluster decides itself. */
const OWN_KEYS: ReadonlySet<string> = new Set([
  'namesrvAddr',
  'storePathRootDir',
  'storePathCommitLog',
  'brokerRole',
  'brokerId',
])

/** Slaves of a test hear of topics and offsets sooner than others, but where hours pass at once, with as many questions. */
const METADATA_MS = { real: 100, virtual: 1000 } as const

/** Longer than any test; as milliseconds still far below 2^53. */
const TEN_YEARS_S = 10 * 365 * 86_400

/** What keeps clients of real time alive when the brokers' time jumps. */
const PATIENT: BrokerKeys = {
  channelExpiredTimeout: TEN_YEARS_S * 1000,
  subscriptionExpiredTimeout: TEN_YEARS_S * 1000,
  serverChannelMaxIdleTimeSeconds: TEN_YEARS_S,
}

/** Throws CLUSTER_OPTION_INVALID. */
export function clusterSettings(options: ClusterOptions): ClusterSettings {
  const { config = {}, logger, nameservers = 1, time = 'real' } = options
  checkCount('nameservers', nameservers, 1, NAME_SERVERS_MAX)
  if (time !== 'real' && time !== 'virtual') throw invalid(`time: ${String(time)}`)
  return {
    ...shapeOf(options),
    nameservers,
    store: checkStore(options.store ?? 'memory'),
    config: typeof config === 'function' ? config : () => config,
    topics: topicList(options.topics ?? []),
    time,
    logger: logger ?? null,
  }
}

function shapeOf(options: ClusterOptions): Pick<ClusterSettings, 'mode' | 'masters' | 'slaves'> {
  const given = options.masters ?? options.brokers
  if (options.brokers !== undefined && options.brokers !== given) {
    throw invalid(`masters: ${given}, but brokers: ${options.brokers}; they are the same`)
  }
  const fitting = (given ?? 1) > 1 ? 'multi-master' : 'single'
  const mode = options.mode ?? ((options.slaves ?? 0) > 0 ? 'async-replica' : fitting)
  if (!MODES.includes(mode)) throw invalid(`mode: ${String(mode)} is none of ${MODES.join(', ')}`)
  const hasSlaves = mode === 'async-replica' || mode === 'sync-replica'
  const masters = given ?? (mode === 'multi-master' ? 2 : 1)
  const slaves = options.slaves ?? (hasSlaves ? 1 : 0)
  checkCount(options.masters === undefined ? 'brokers' : 'masters', masters, 1, BROKERS_MAX)
  checkCount('slaves', slaves, 0, SLAVES_MAX)
  if (mode === 'single' && masters > 1) throw invalid(`mode: single has one master, not ${masters}`)
  if (slaves > 0 && !hasSlaves) throw invalid(`mode: ${mode} has no slaves`)
  return { mode, masters, slaves }
}

/** The configuration of one broker. Throws CLUSTER_OPTION_INVALID with everything that is wrong in it. */
export function brokerConfig(
  settings: ClusterSettings,
  { brokerId, index }: BrokerPlace,
  facts: { namesrvAddr: string; storePathRootDir: string },
): BrokerConfig {
  const given = settings.config(index, brokerId)
  const own = Object.keys(given).find((key) => OWN_KEYS.has(key))
  if (own !== undefined) throw invalid(`config: ${own} is decided by the cluster`)
  const keys: BrokerKeys = {
    brokerName: brokerNameOf(index),
    bindAddress: '127.0.0.1',
    brokerId,
    brokerRole: roleOf(settings.mode, brokerId),
    listenPort: 0,
    haListenPort: 0,
    haMetadataIntervalMs: METADATA_MS[settings.time],
    ...(settings.time === 'virtual' ? PATIENT : {}),
    ...given,
    ...facts,
  }
  const entries = new Map(Object.entries(keys).map(([key, value]) => [key, String(value)]))
  const { config, problems } = BrokerConfig.from(entries)
  const wrong = problems.filter(
    ({ code, severity }) => severity === 'error' || code === 'CONFIG_UNKNOWN_KEY',
  )
  if (wrong.length === 0) return config
  const texts = wrong.map(({ key, message, suggestion, value }) => {
    const hint = suggestion === undefined ? '' : `, did you mean ${suggestion}?`
    return `${key}=${value}: ${message}${hint}`
  })
  throw invalid(`config: ${texts.join('; ')}`)
}

function roleOf(mode: ClusterMode, brokerId: number): string {
  if (brokerId > 0) return 'SLAVE'
  return mode === 'sync-replica' ? 'SYNC_MASTER' : 'ASYNC_MASTER'
}

export function invalid(text: string): ApogeeError {
  return new ApogeeError('CLUSTER_OPTION_INVALID', text)
}

function checkCount(name: string, count: number, min: number, max: number): void {
  if (Number.isInteger(count) && count >= min && count <= max) return
  throw invalid(`${name}: ${count} is not a whole number from ${min} to ${max}`)
}

function checkStore(store: ClusterStore): ClusterStore {
  if (store === 'memory' || store === 'temporary') return store
  if (typeof store === 'object' && typeof store.folder === 'string') {
    if (isAbsolute(store.folder)) return store
    throw invalid(`store: ${store.folder} is not an absolute path`)
  }
  throw invalid(`store: ${JSON.stringify(store)}`)
}

function topicList(
  topics: NonNullable<ClusterOptions['topics']>,
): [name: string, options: ClusterTopicOptions][] {
  if (Array.isArray(topics)) return topics.map((name: string) => [name, {}])
  return Object.entries(topics as Record<string, number | ClusterTopicOptions>).map(
    ([name, value]) => [name, typeof value === 'number' ? { queues: value } : value],
  )
}
