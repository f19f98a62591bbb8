import { ResponseCode } from '@apogee/protocol'
import {
  APPEND_BUSY,
  APPEND_DISK_FULL,
  APPEND_PROPERTIES_TOO_LARGE,
  APPEND_TOO_LARGE,
  type AppendStatus,
} from '@apogee/store'

/** Why the store did not take a message, as clients are told (Java: SendMessageProcessor.handlePutMessageResult). */
export function appendRefusal(
  status: AppendStatus,
  maxMessageSize: number,
): { code: number; remark: string } {
  switch (status) {
    case APPEND_TOO_LARGE:
    case APPEND_PROPERTIES_TOO_LARGE:
      return {
        code: ResponseCode.MESSAGE_ILLEGAL,
        remark: `the message is illegal, maybe msg body or properties length not matched. msg body length limit ${maxMessageSize}B, msg properties length limit 32KB.`,
      }
    case APPEND_BUSY:
      return {
        code: ResponseCode.SYSTEM_BUSY,
        remark: '[PC_SYNCHRONIZED]broker busy, start flow control for a while',
      }
    case APPEND_DISK_FULL:
      return {
        code: ResponseCode.SERVICE_NOT_AVAILABLE,
        remark: 'the disk is full: messages are refused until it has space',
      }
    default:
      return {
        code: ResponseCode.SERVICE_NOT_AVAILABLE,
        remark: 'the store is closed or has failed',
      }
  }
}
