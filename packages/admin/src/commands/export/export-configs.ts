import { type AdminCommand, command } from '../../command.ts'
import { CLUSTER_NAME } from '../shared/options.ts'
import { exported, FILE_PATH } from './exported.ts'

interface Options {
  readonly clusterName: string
  readonly filePath?: string
}

/** What one wants to compare between brokers, as mqadmin chooses it. */
const KEYS: readonly string[] = [
  'brokerClusterName',
  'brokerId',
  'brokerName',
  'brokerRole',
  'fileReservedTime',
  'filterServerNums',
  'flushDiskType',
  'maxMessageSize',
  'messageDelayLevel',
  'msgTraceTopicName',
  'slaveReadEnable',
  'traceOn',
  'traceTopicEnable',
  'useTLS',
  'autoCreateTopicEnable',
  'autoCreateSubscriptionGroup',
]

/** Java: ExportConfigsCommand. Codes 106, 26. */
export const exportConfigs: AdminCommand = command<Options>({
  name: 'exportConfigs',
  path: ['export', 'configs'],
  summary: 'Write the configuration of the brokers of a cluster as JSON',
  options: [{ ...CLUSTER_NAME, help: 'the cluster', required: true }, FILE_PATH],
  examples: ['exportConfigs -c DefaultCluster -f /tmp/export'],
  async run(context, { clusterName, filePath }) {
    const { admin } = context
    const { results, problems } = await admin.brokers.config({ clusterName })
    const brokerConfigs: Record<string, Record<string, string>> = {}
    for (const { broker, value } of results) {
      const chosen = KEYS.flatMap((key) => {
        const text = value.get(key)
        return text === undefined ? [] : [[key, text] as const]
      })
      const name = broker.brokerId === 0 ? broker.brokerName : broker.address
      brokerConfigs[name] = Object.fromEntries(chosen)
    }
    const slaveSize = results.filter(({ broker }) => broker.brokerId !== 0).length
    const value = {
      clusterScale: {
        namesrvSize: admin.transport.namesrvAddrs.length,
        masterBrokerSize: results.length - slaveSize,
        slaveBrokerSize: slaveSize,
      },
      brokerConfigs,
    }
    return exported(context, value, filePath, 'configs.json', problems)
  },
})
