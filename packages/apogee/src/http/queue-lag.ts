import type { BrokerServices } from '@apogee/broker'
import type { MetricSample } from './prometheus-text.ts'

/** Series of one scrape; a broker can have a million queues with an offset. */
const SERIES_MAX = 10_000

/** How far each group is behind in each queue where it is: which queue is stuck, the sum per topic does not tell. */
export function* queueLag({ config, offsets, store }: BrokerServices): Iterable<MetricSample> {
  const { brokerClusterName, brokerName } = config.values
  const common = { cluster: brokerClusterName, node_type: 'broker', node_id: brokerName }
  let series = 0
  let leftOut = 0
  for (const { group, offsets: queues, topic } of offsets.all()) {
    for (const [queueId, offset] of queues.entries()) {
      const lag = store.maxOffset(topic, queueId) - offset
      if (lag <= 0) continue
      if (++series > SERIES_MAX) {
        leftOut++
        continue
      }
      const labels = { ...common, topic, consumer_group: group, queue_id: String(queueId) }
      yield { name: 'apogee_consumer_queue_lag_messages', type: 'gauge', labels, value: lag }
    }
  }
  const name = 'apogee_consumer_queue_lag_left_out'
  yield { name, type: 'gauge', labels: common, value: leftOut }
}
