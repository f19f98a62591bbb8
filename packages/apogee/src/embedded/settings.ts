import { isAbsolute } from 'node:path'
import { ApogeeError } from '@apogee/base'
import { BrokerConfig } from '@apogee/broker'
import type {
  BrokerKeys,
  ClusterOptions,
  ClusterSettings,
  ClusterStore,
  ClusterTopicOptions,
} from './options.ts'

/** Letters of broker-a … broker-z. */
const BROKERS_MAX = 26
const NAME_SERVERS_MAX = 16

/** What the cluster decides itself. */
const OWN_KEYS: ReadonlySet<string> = new Set([
  'namesrvAddr',
  'storePathRootDir',
  'storePathCommitLog',
])

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
  const { brokers = 1, config = {}, logger, nameservers = 1, time = 'real' } = options
  checkCount('brokers', brokers, BROKERS_MAX)
  checkCount('nameservers', nameservers, NAME_SERVERS_MAX)
  if (time !== 'real' && time !== 'virtual') throw invalid(`time: ${String(time)}`)
  return {
    brokers,
    nameservers,
    store: checkStore(options.store ?? 'memory'),
    config: typeof config === 'function' ? config : () => config,
    topics: topicList(options.topics ?? []),
    time,
    logger: logger ?? null,
  }
}

/** The configuration of one broker. Throws CLUSTER_OPTION_INVALID with everything that is wrong in it. */
export function brokerConfig(
  settings: ClusterSettings,
  index: number,
  facts: { namesrvAddr: string; storePathRootDir: string },
): BrokerConfig {
  const given = settings.config(index)
  const own = Object.keys(given).find((key) => OWN_KEYS.has(key))
  if (own !== undefined) throw invalid(`config: ${own} is decided by the cluster`)
  const keys: BrokerKeys = {
    brokerName: `broker-${String.fromCharCode(97 + index)}`,
    bindAddress: '127.0.0.1',
    listenPort: 0,
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

export function invalid(text: string): ApogeeError {
  return new ApogeeError('CLUSTER_OPTION_INVALID', text)
}

function checkCount(name: string, count: number, max: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= max) return
  throw invalid(`${name}: ${count} is not a whole number from 1 to ${max}`)
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
