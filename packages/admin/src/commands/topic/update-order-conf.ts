import { AdminError, AdminErrorCode } from '../../admin-error.ts'
import { type AdminCommand, command } from '../../command.ts'
import { TOPIC, TOPIC_ARGUMENT } from '../shared/options.ts'
import { done, record } from '../shared/output.ts'

interface Options {
  readonly topic: string
  readonly orderConf?: string
  readonly method: string
}

/** Where NameServers keep which topics are ordered (Java: NamesrvUtil.NAMESPACE_ORDER_TOPIC_CONFIG). */
const NAMESPACE = 'ORDER_TOPIC_CONFIG'

/** Java: UpdateOrderConfCommand. Codes 100, 101, 102. */
export const updateOrderConf: AdminCommand = command<Options>({
  name: 'updateOrderConf',
  path: ['topic', 'order-conf'],
  summary: 'Read, write or delete which queues of an ordered topic are used',
  options: [
    TOPIC,
    {
      flags: '-v, --orderConf <list>',
      key: 'orderConf',
      help: 'brokerName1:queues;brokerName2:queues',
    },
    {
      flags: '-m, --method <method>',
      key: 'method',
      help: 'put, get or delete',
      required: true,
      choices: ['put', 'get', 'delete'],
    },
  ],
  arguments: [TOPIC_ARGUMENT],
  examples: ['topic order-conf orders -m put -v broker-a:4', 'updateOrderConf -t orders -m get'],
  damage: ({ method, topic }) =>
    method === 'delete' ? `The order configuration of ${topic} is lost.` : null,
  async run({ admin }, { topic, orderConf, method }) {
    if (method === 'get') {
      return record({ topic, orderConf: await admin.namesrv.getKv(NAMESPACE, topic) })
    }
    if (method === 'delete') {
      const { problems } = await admin.namesrv.deleteKv(NAMESPACE, topic)
      return done(`order configuration of ${topic} deleted`, { topic }, { problems })
    }
    if (orderConf === undefined) {
      throw new AdminError(AdminErrorCode.USAGE, '--orderConf is needed to put one')
    }
    const { problems } = await admin.namesrv.putKv(NAMESPACE, topic, orderConf)
    return done(
      `order configuration of ${topic} is ${orderConf}`,
      { topic, orderConf },
      { problems },
    )
  },
})
