import { type BodyCodec, int, list, mapOf, name, nullable, record, text } from './codec.ts'
import { MessageModel } from './heartbeat.ts'
import { MessageQueue } from './message-queue.ts'

export type MessageRequestMode = 'PULL' | 'POP'
const MODES: readonly MessageRequestMode[] = ['PULL', 'POP']
export const MessageRequestMode: BodyCodec<MessageRequestMode> = name(MODES, 'PULL')

/** SET_MESSAGE_REQUEST_MODE (401). */
export interface SetMessageRequestModeRequestBody {
  topic: string
  consumerGroup: string
  mode: MessageRequestMode
  /** How many queues POP consumers share; −1 all, 0 none. */
  popShareQueueNum: number
}
export const SetMessageRequestModeRequestBody: BodyCodec<SetMessageRequestModeRequestBody> =
  record<SetMessageRequestModeRequestBody>({
    topic: text(),
    consumerGroup: text(),
    mode: MessageRequestMode,
    popShareQueueNum: int(),
  })

/** GET_ALL_MESSAGE_REQUEST_MODE (402), config/messageRequestMode.json: topic → group → mode. */
export interface MessageRequestModeSerializeWrapper {
  messageRequestModeMap: Map<string, Map<string, SetMessageRequestModeRequestBody>>
}
export const MessageRequestModeSerializeWrapper: BodyCodec<MessageRequestModeSerializeWrapper> =
  record<MessageRequestModeSerializeWrapper>({
    messageRequestModeMap: mapOf(mapOf(SetMessageRequestModeRequestBody)),
  })

/** QUERY_ASSIGNMENT (400). */
export interface QueryAssignmentRequestBody {
  topic: string
  consumerGroup: string
  clientId: string
  strategyName: string
  messageModel: MessageModel
}
export const QueryAssignmentRequestBody: BodyCodec<QueryAssignmentRequestBody> =
  record<QueryAssignmentRequestBody>({
    topic: text(),
    consumerGroup: text(),
    clientId: text(),
    strategyName: text(),
    messageModel: MessageModel,
  })

/** Java: MessageQueueAssignment. */
export interface MessageQueueAssignment {
  messageQueue: MessageQueue | null
  mode: MessageRequestMode
  attachments: Map<string, string> | null
}
export const MessageQueueAssignment: BodyCodec<MessageQueueAssignment> =
  record<MessageQueueAssignment>({
    messageQueue: nullable(MessageQueue),
    mode: MessageRequestMode,
    attachments: nullable(mapOf(text())),
  })

/** QUERY_ASSIGNMENT (400), the answer. */
export interface QueryAssignmentResponseBody {
  messageQueueAssignments: MessageQueueAssignment[]
}
export const QueryAssignmentResponseBody: BodyCodec<QueryAssignmentResponseBody> =
  record<QueryAssignmentResponseBody>({ messageQueueAssignments: list(MessageQueueAssignment) })
