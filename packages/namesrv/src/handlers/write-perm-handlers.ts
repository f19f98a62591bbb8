import {
  AddWritePermOfBrokerRequestHeader,
  AddWritePermOfBrokerResponseHeader,
  RequestCode,
  WipeWritePermOfBrokerRequestHeader,
  WipeWritePermOfBrokerResponseHeader,
} from '@apogee/protocol'
import { type Handler, handler, succeedWith } from '@apogee/remoting'
import type { NamesrvServices } from './services.ts'

/**
 * Takes a broker out of the routes for sends and back: WIPE_WRITE_PERM_OF_BROKER,
 * ADD_WRITE_PERM_OF_BROKER.
 */
export function writePermHandlers({ routes, log }: NamesrvServices): Handler[] {
  return [
    handler({
      code: RequestCode.WIPE_WRITE_PERM_OF_BROKER,
      lane: 'admin',
      permission: 'admin',
      header: WipeWritePermOfBrokerRequestHeader,
      handle({ header: { brokerName }, connection: { remoteAddress } }) {
        const topics = routes.change((table) => table.wipeWritePerm(brokerName))
        log.info({ event: 'write_perm_wiped', brokerName, topics, remoteAddress })
        return succeedWith(WipeWritePermOfBrokerResponseHeader, { wipeTopicCount: topics })
      },
    }),
    handler({
      code: RequestCode.ADD_WRITE_PERM_OF_BROKER,
      lane: 'admin',
      permission: 'admin',
      header: AddWritePermOfBrokerRequestHeader,
      handle({ header: { brokerName }, connection: { remoteAddress } }) {
        const topics = routes.change((table) => table.addWritePerm(brokerName))
        log.info({ event: 'write_perm_added', brokerName, topics, remoteAddress })
        return succeedWith(AddWritePermOfBrokerResponseHeader, { addTopicCount: topics })
      },
    }),
  ]
}
