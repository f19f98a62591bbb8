import { RequestCode, ResponseCode } from '@apogee/protocol'
import { type Answer, type Handler, handler, refuse } from '@apogee/remoting'
import type { BrokerConfig } from '../config/broker-config.ts'

const { SERVICE_NOT_AVAILABLE, SYSTEM_ERROR } = ResponseCode

/** What only a master does, by the code that a slave answers and what it says. */
const MASTER_ONLY: readonly {
  readonly code: number
  readonly what: string
  readonly requests: readonly number[]
}[] = [
  {
    code: SERVICE_NOT_AVAILABLE,
    what: 'messages are sent to its master',
    requests: [
      RequestCode.SEND_MESSAGE,
      RequestCode.SEND_MESSAGE_V2,
      RequestCode.SEND_BATCH_MESSAGE,
      RequestCode.CONSUMER_SEND_MSG_BACK,
      RequestCode.SEND_REPLY_MESSAGE,
      RequestCode.SEND_REPLY_MESSAGE_V2,
    ],
  },
  {
    code: SERVICE_NOT_AVAILABLE,
    what: 'transactions are ended at its master',
    requests: [RequestCode.END_TRANSACTION, RequestCode.RESUME_CHECK_HALF_MESSAGE],
  },
  {
    code: SERVICE_NOT_AVAILABLE,
    what: 'queues are locked at its master',
    requests: [RequestCode.LOCK_BATCH_MQ, RequestCode.UNLOCK_BATCH_MQ],
  },
  {
    code: SYSTEM_ERROR,
    what: 'topics and groups are changed at its master, which it follows',
    requests: [
      RequestCode.UPDATE_AND_CREATE_TOPIC,
      RequestCode.UPDATE_AND_CREATE_TOPIC_LIST,
      RequestCode.DELETE_TOPIC_IN_BROKER,
      RequestCode.CLEAN_UNUSED_TOPIC,
      RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
      RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST,
      RequestCode.DELETE_SUBSCRIPTIONGROUP,
      RequestCode.UPDATE_AND_GET_GROUP_FORBIDDEN,
    ],
  },
  {
    code: SYSTEM_ERROR,
    what: 'offsets are reset and copied at its master, which it follows',
    requests: [RequestCode.INVOKE_BROKER_TO_RESET_OFFSET, RequestCode.CLONE_GROUP_OFFSET],
  },
]

/**
 * The handlers of this broker's role: a slave answers what only masters do with a refusal that says so, before it looks at
 * the request (Java: rejectRequest of the processors, AdminBrokerProcessor.validateSlave).
 */
export function forRole(handlers: readonly Handler[], { values }: BrokerConfig): Handler[] {
  if (values.brokerRole !== 'SLAVE') return [...handlers]
  const { brokerId, brokerName } = values
  const refusals = new Map<number, Answer>()
  for (const { code, requests, what } of MASTER_ONLY) {
    const remark = `broker ${brokerName} with brokerId=${brokerId} is a slave: ${what}`
    for (const request of requests) refusals.set(request, refuse(code, remark))
  }
  return handlers.map((one) => {
    const refusal = refusals.get(one.code)
    if (refusal === undefined) return one
    const { code, lane, permission } = one
    return handler({ code, lane, permission, header: {}, handle: () => refusal })
  })
}
