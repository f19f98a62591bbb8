import {
  encodeHeader,
  QueryMessageRequestHeader,
  QueryMessageResponseHeader,
  RequestCode,
  ResponseCode,
  ViewMessageRequestHeader,
} from '@apogee/protocol'
import { type Answer, type Handler, handler, type Request, refuse, success } from '@apogee/remoting'
import type { MessageStore } from '@apogee/store'
import type { BrokerConfig } from '../config/broker-config.ts'

export interface QueryMessageDeps {
  config: BrokerConfig
  store: MessageStore
}

/** Messages of one answer (Java: maxMsgsNumBatch), and their bytes; the newest come first. */
const MESSAGES_MAX = 64
const BYTES_MAX = 8 * 1024 * 1024
/** Extension field of lookups by unique key (Java: MixAll.UNIQUE_MSG_QUERY_FLAG). */
const UNIQUE_KEY_QUERY = '_UNIQUE_KEY_QUERY'

/** QUERY_MESSAGE (12), VIEW_MESSAGE_BY_ID (33); Java: QueryMessageProcessor. */
export function queryMessageHandlers(deps: QueryMessageDeps): Handler[] {
  const common = { lane: 'admin', permission: 'client' } as const
  return [
    handler({
      ...common,
      code: RequestCode.QUERY_MESSAGE,
      header: QueryMessageRequestHeader,
      handle: (request) => queryMessage(deps, request),
    }),
    handler({
      ...common,
      code: RequestCode.VIEW_MESSAGE_BY_ID,
      header: ViewMessageRequestHeader,
      handle: async ({ header: { offset } }) => {
        const record = await deps.store.readRecord(offset)
        if (record !== null) return success(record)
        return refuse(ResponseCode.SYSTEM_ERROR, `can not find message by the offset, ${offset}`)
      },
    }),
  ]
}

async function queryMessage(
  deps: QueryMessageDeps,
  request: Request<QueryMessageRequestHeader>,
): Promise<Answer> {
  const { topic, key, maxNum, beginTimestamp, endTimestamp } = request.header
  const isUnique = request.fields.get(UNIQUE_KEY_QUERY) === 'true'
  const wanted = isUnique ? deps.config.values.defaultQueryMaxNum : maxNum
  const count = Math.max(1, Math.min(wanted, MESSAGES_MAX))
  const found = await deps.store.queryByKey(topic, key, count, beginTimestamp, endTimestamp)
  const fields = encodeHeader(QueryMessageResponseHeader, {
    indexLastUpdateTimestamp: found.lastUpdateTimestamp,
    indexLastUpdatePhyoffset: found.lastUpdatePhysicalOffset,
  })
  if (found.records.length === 0) {
    const remark = 'can not find message, maybe time range not correct'
    return { code: ResponseCode.QUERY_NOT_FOUND, remark, fields }
  }
  return { code: ResponseCode.SUCCESS, fields, body: Buffer.concat(firstOf(found.records)) }
}

function firstOf(records: readonly Buffer[]): Buffer[] {
  const taken: Buffer[] = []
  let bytes = 0
  for (const record of records) {
    bytes += record.length
    if (taken.length > 0 && bytes > BYTES_MAX) break
    taken.push(record)
  }
  return taken
}
