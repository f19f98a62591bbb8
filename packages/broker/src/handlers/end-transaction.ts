import { isMalformed } from '@apogee/base'
import {
  EndTransactionRequestHeader,
  parseOffsetMsgId,
  RequestCode,
  ResponseCode,
  ResumeCheckHalfMessageRequestHeader,
} from '@apogee/protocol'
import { type Handler, handler, refuse } from '@apogee/remoting'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { HaServices } from '../replication/ha-services.ts'
import { replicaShortage } from '../replication/replica-shortage.ts'
import type { TransactionalMessageService } from '../transaction/transactional-message-service.ts'

/**
 * END_TRANSACTION (37), RESUME_CHECK_HALF_MESSAGE (323); Java: EndTransactionProcessor, AdminBrokerProcessor. Ends wait in
 * the lane of acknowledgements, as long as Apache lets them wait: one that is shed is asked for later.
 */
export function endTransactionHandlers({
  config,
  ha,
  transactions,
}: {
  config: BrokerConfig
  ha: HaServices
  transactions: TransactionalMessageService
}): Handler[] {
  return [
    handler({
      code: RequestCode.END_TRANSACTION,
      lane: 'ack',
      permission: 'client',
      header: EndTransactionRequestHeader,
      handle: ({ header }) => {
        const shortage = replicaShortage(config, ha)
        return shortage === null
          ? transactions.end(header)
          : refuse(ResponseCode.SYSTEM_ERROR, shortage)
      },
    }),
    handler({
      code: RequestCode.RESUME_CHECK_HALF_MESSAGE,
      lane: 'admin',
      permission: 'admin',
      header: ResumeCheckHalfMessageRequestHeader,
      handle: ({ header }) => {
        const id = parseOffsetMsgId(header.msgId ?? '')
        if (isMalformed(id)) return refuse(ResponseCode.SYSTEM_ERROR, `${id.code}: ${id.detail}`)
        return transactions.resume(id.physicalOffset)
      },
    }),
  ]
}
