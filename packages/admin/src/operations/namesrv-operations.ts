import { isMalformed } from '@apogee/base'
import {
  AddWritePermOfBrokerRequestHeader,
  AddWritePermOfBrokerResponseHeader,
  DeleteKVConfigRequestHeader,
  formatPropertiesText,
  GetKVConfigRequestHeader,
  GetKVConfigResponseHeader,
  GetKVListByNamespaceRequestHeader,
  KVTable,
  PutKVConfigRequestHeader,
  parsePropertiesText,
  RequestCode,
  WipeWritePermOfBrokerRequestHeader,
  WipeWritePermOfBrokerResponseHeader,
} from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../admin-error.ts'
import { type AdminTransport, headerOf, invalidAnswer } from '../transport/admin-transport.ts'
import { type Answers, askEach } from './answers.ts'

/** What one NameServer said. */
export interface OfNamesrv<T> {
  /** "host:port". */
  readonly namesrvAddr: string
  readonly value: T
}

/**
 * NameServers: the KV configuration, their own configuration, and the write permission of brokers in the routes.
 * NameServers do not talk to one another, so a change goes to every one of the list.
 */
export class NamesrvOperations {
  private readonly transport: AdminTransport

  constructor(transport: AdminTransport) {
    this.transport = transport
  }

  /** PUT_KV_CONFIG (100) at every NameServer. */
  putKv(namespace: string, key: string, value: string): Promise<Answers<OfNamesrv<null>>> {
    return this.each(async (address) => {
      await this.transport.call(address, {
        code: RequestCode.PUT_KV_CONFIG,
        header: PutKVConfigRequestHeader,
        values: { namespace, key, value },
      })
      return null
    })
  }

  /** GET_KV_CONFIG (101). Rejects with ADMIN_KEY_NOT_FOUND. */
  async getKv(namespace: string, key: string): Promise<string> {
    const response = await this.transport.askNamesrv({
      code: RequestCode.GET_KV_CONFIG,
      header: GetKVConfigRequestHeader,
      values: { namespace, key },
    })
    const { value } = headerOf(GetKVConfigResponseHeader, response, 'the NameServer')
    if (value !== null) return value
    const message = `no key ${key} in namespace ${namespace}`
    throw new AdminError(AdminErrorCode.KEY_NOT_FOUND, message)
  }

  /** DELETE_KV_CONFIG (102) at every NameServer. A key that is not there is no error. */
  deleteKv(namespace: string, key: string): Promise<Answers<OfNamesrv<null>>> {
    return this.each(async (address) => {
      await this.transport.call(address, {
        code: RequestCode.DELETE_KV_CONFIG,
        header: DeleteKVConfigRequestHeader,
        values: { namespace, key },
      })
      return null
    })
  }

  /** GET_KVLIST_BY_NAMESPACE (219). Rejects with ADMIN_KEY_NOT_FOUND for a namespace without keys. */
  async listKv(namespace: string): Promise<ReadonlyMap<string, string>> {
    const { table } = await this.transport.askNamesrvBody(
      {
        code: RequestCode.GET_KVLIST_BY_NAMESPACE,
        header: GetKVListByNamespaceRequestHeader,
        values: { namespace },
      },
      KVTable,
    )
    return table
  }

  /** GET_NAMESRV_CONFIG (319) of every NameServer. */
  config(): Promise<Answers<OfNamesrv<ReadonlyMap<string, string>>>> {
    return this.each(async (address) => {
      const request = { code: RequestCode.GET_NAMESRV_CONFIG, header: {}, values: {} }
      const { body } = await this.transport.call(address, request)
      const entries = parsePropertiesText(body)
      if (isMalformed(entries)) throw invalidAnswer(address, entries.detail)
      return entries
    })
  }

  /** UPDATE_NAMESRV_CONFIG (318) at every NameServer. Rejects with ADMIN_NO_PERMISSION, ADMIN_REFUSED. */
  setConfig(entries: ReadonlyMap<string, string>): Promise<Answers<OfNamesrv<null>>> {
    const body = Buffer.from(formatPropertiesText(entries))
    return this.each(async (address) => {
      const code = RequestCode.UPDATE_NAMESRV_CONFIG
      await this.transport.call(address, { code, header: {}, values: {}, body })
      return null
    })
  }

  /** WIPE_WRITE_PERM_OF_BROKER (205): producers leave this broker. The value is how many topics changed. */
  wipeWritePerm(brokerName: string): Promise<Answers<OfNamesrv<number>>> {
    return this.each(async (address) => {
      const response = await this.transport.call(address, {
        code: RequestCode.WIPE_WRITE_PERM_OF_BROKER,
        header: WipeWritePermOfBrokerRequestHeader,
        values: { brokerName },
      })
      return headerOf(WipeWritePermOfBrokerResponseHeader, response, address).wipeTopicCount
    })
  }

  /** ADD_WRITE_PERM_OF_BROKER (327): producers come back. Every topic gets exactly read and write. */
  addWritePerm(brokerName: string): Promise<Answers<OfNamesrv<number>>> {
    return this.each(async (address) => {
      const response = await this.transport.call(address, {
        code: RequestCode.ADD_WRITE_PERM_OF_BROKER,
        header: AddWritePermOfBrokerRequestHeader,
        values: { brokerName },
      })
      return headerOf(AddWritePermOfBrokerResponseHeader, response, address).addTopicCount
    })
  }

  private each<T>(ask: (address: string) => Promise<T>): Promise<Answers<OfNamesrv<T>>> {
    if (this.transport.namesrvAddrs.length === 0) {
      const hint = 'name one with -n host:port'
      const error = new AdminError(AdminErrorCode.NAMESRV_UNREACHABLE, 'no NameServer is named', {
        hint,
      })
      return Promise.reject(error)
    }
    return askEach(
      this.transport.namesrvAddrs,
      (address) => address,
      async (namesrvAddr) => ({ namesrvAddr, value: await ask(namesrvAddr) }),
    )
  }
}
