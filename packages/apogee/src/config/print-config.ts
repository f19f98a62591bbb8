import type { Origin } from './placed-problem.ts'

/**
 * The keys that people look at first (`-m`): Apache's own choice, those of them that have an effect here
 * (Java: ImportantField).
 */
const IMPORTANT: ReadonlySet<string> = new Set([
  'namesrvAddr',
  'listenPort',
  'bindAddress',
  'brokerIP1',
  'brokerName',
  'brokerClusterName',
  'brokerId',
  'autoCreateTopicEnable',
  'autoCreateSubscriptionGroup',
  'msgTraceTopicName',
  'traceTopicEnable',
  'rejectTransactionMessage',
  'storePathRootDir',
  'storePathCommitLog',
  'kvConfigPath',
  'configStorePath',
  'flushIntervalCommitLog',
  'deleteWhen',
  'fileReservedTime',
  'maxTransferBytesOnMessageInMemory',
  'maxTransferCountOnMessageInMemory',
  'maxTransferBytesOnMessageInDisk',
  'maxTransferCountOnMessageInDisk',
  'messageIndexEnable',
  'brokerRole',
  'flushDiskType',
  'cleanFileForciblyEnable',
])

export interface PrintOptions {
  /** Only the important ones. */
  important: boolean
  /** JSON, with where each value came from. */
  json: boolean
}

/** Keys with their values, by name: `key=value` lines, or JSON with the origin of each. */
export function printConfig(
  values: ReadonlyMap<string, string>,
  origins: ReadonlyMap<string, Origin>,
  options: PrintOptions,
): void {
  const all = [...values]
    .filter(([key]) => !options.important || IMPORTANT.has(key))
    .sort(([a], [b]) => (a < b ? -1 : 1))
  if (!options.json) {
    process.stdout.write(`${all.map(([key, value]) => `${key}=${value}`).join('\n')}\n`)
    return
  }
  const described = all.map(([key, value]) => [
    key,
    { value, from: origins.get(key)?.name ?? 'default' },
  ])
  process.stdout.write(`${JSON.stringify(Object.fromEntries(described), null, 2)}\n`)
}
