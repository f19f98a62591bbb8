import type { ApogeeError } from '@apogee/base'
import {
  DeleteKVConfigRequestHeader,
  encodeBody,
  GetKVConfigRequestHeader,
  GetKVConfigResponseHeader,
  GetKVListByNamespaceRequestHeader,
  KVTable,
  PutKVConfigRequestHeader,
  RequestCode,
  ResponseCode,
} from '@apogee/protocol'
import { type Answer, type Handler, handler, refuse, succeedWith, success } from '@apogee/remoting'
import type { NamesrvServices } from './services.ts'

/** The KV config: PUT_KV_CONFIG, GET_KV_CONFIG, DELETE_KV_CONFIG, GET_KVLIST_BY_NAMESPACE. */
export function kvHandlers({ kv }: Pick<NamesrvServices, 'kv'>): Handler[] {
  return [
    handler({
      code: RequestCode.PUT_KV_CONFIG,
      lane: 'admin',
      permission: 'admin',
      header: PutKVConfigRequestHeader,
      handle: async ({ header: { namespace, key, value } }) =>
        answerChange(await kv.change((table) => table.with(namespace, key, value))),
    }),
    handler({
      code: RequestCode.GET_KV_CONFIG,
      lane: 'admin',
      permission: 'admin',
      header: GetKVConfigRequestHeader,
      handle({ header: { namespace, key } }) {
        const value = kv.table.get(namespace, key)
        if (value !== null) return succeedWith(GetKVConfigResponseHeader, { value })
        return notFound(`No config item, Namespace: ${namespace} Key: ${key}`)
      },
    }),
    handler({
      code: RequestCode.DELETE_KV_CONFIG,
      lane: 'admin',
      permission: 'admin',
      header: DeleteKVConfigRequestHeader,
      handle: async ({ header: { namespace, key } }) =>
        answerChange(await kv.change((table) => table.without(namespace, key))),
    }),
    handler({
      code: RequestCode.GET_KVLIST_BY_NAMESPACE,
      lane: 'admin',
      permission: 'admin',
      header: GetKVListByNamespaceRequestHeader,
      handle({ header: { namespace } }) {
        const entries = kv.table.list(namespace)
        if (entries !== null) return success(encodeBody(KVTable, { table: new Map(entries) }))
        return notFound(`No config item, Namespace: ${namespace}`)
      },
    }),
  ]
}

function notFound(remark: string): Answer {
  return refuse(ResponseCode.QUERY_NOT_FOUND, remark)
}

function answerChange(error: ApogeeError | null): Answer {
  if (error === null) return success()
  const isBusy = error.code === 'KV_CONFIG_BUSY'
  const code = isBusy ? ResponseCode.SYSTEM_BUSY : ResponseCode.SYSTEM_ERROR
  return refuse(code, `${error.code}: ${error.message}`)
}
