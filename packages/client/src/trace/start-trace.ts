import { RequestCode, SystemTopic } from '@apogee/protocol'
import type { ProducerOptions } from '../api/options.ts'
import { prepareMessage } from '../producer/prepare-message.ts'
import { producerSettings } from '../producer/producer-settings.ts'
import { Sender } from '../producer/sender.ts'
import type { Client } from '../remote/contract.ts'
import { TraceDispatcher } from './trace-dispatcher.ts'

/** Java's group of the producer behind trace; it is in no heartbeat here. */
const TRACE_GROUP = '_INNER_TRACE_PRODUCER'
const TRACE_TIMEOUT_MS = 5_000

/** A dispatcher with a producer of its own, which nobody traces; null when the option says no. */
export function startTrace(
  client: Client,
  option: ProducerOptions['trace'],
): TraceDispatcher | null {
  if (option === undefined || option === false) return null
  const topic = option === true ? SystemTopic.TRACE : (option.topic ?? SystemTopic.TRACE)
  const settings = producerSettings({ timeoutMs: TRACE_TIMEOUT_MS, retries: 2 }, TRACE_GROUP)
  const sender = new Sender(client, settings)
  const send = (body: string, keys: readonly string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const messageId = client.uniqKeys.next(client.env.clock.wallMs())
      const message = { topic, body, keys }
      sender.send(
        {
          topic: sender.topic(topic),
          code: RequestCode.SEND_MESSAGE_V2,
          batch: false,
          content: prepareMessage(message, messageId, settings, [], 0),
          choose: null,
          timeoutMs: TRACE_TIMEOUT_MS,
        },
        (error) => (error === null ? resolve() : reject(error)),
      )
    })
  return new TraceDispatcher({ env: client.env, log: client.log, send })
}
