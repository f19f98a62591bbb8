import {
  type DataVersion,
  DataVersion as DataVersionCodec,
  encodeBody,
  GetAllSubscriptionGroupRequestHeader,
  GetAllSubscriptionGroupResponseHeader,
  GetAllTopicConfigRequestHeader,
  GetAllTopicConfigResponseHeader,
  RequestCode,
  type SubscriptionGroupConfig,
  SubscriptionGroupWrapper,
  type TopicConfig,
  TopicConfigSerializeWrapper,
} from '@apogee/protocol'
import { type AdminTransport, bodyOf, headerOf } from '../transport/admin-transport.ts'

/** Pages of one table at most: brokers hold fewer rows than that many pages have. */
const PAGES_MAX = 10_000
/** Tables can be large. */
const TIMEOUT_MS = 30_000

interface Page<T> {
  readonly rows: readonly T[]
  /** Of all pages; null from brokers that do not split tables. */
  readonly total: number | null
  readonly version: DataVersion
}

/**
 * Asks for a table part by part. Brokers of 5.4 and later may split large tables; older ones give all of it at once. A
 * table that changes meanwhile starts again at its first part, so rows are kept by name.
 */
async function allPages<T>(
  nameOf: (row: T) => string,
  ask: (first: number, version: string | null) => Promise<Page<T>>,
): Promise<T[]> {
  const rows = new Map<string, T>()
  let version: string | null = null
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const page = await ask(rows.size, version)
    const before = rows.size
    for (const row of page.rows) rows.set(nameOf(row), row)
    const isWhole = page.total === null || rows.size >= page.total
    if (isWhole || page.rows.length === 0 || rows.size === before) break
    version = encodeBody(DataVersionCodec, page.version).toString()
  }
  return [...rows.values()]
}

/** GET_ALL_TOPIC_CONFIG (21), whole. */
export class TopicPages {
  private readonly transport: AdminTransport

  constructor(transport: AdminTransport) {
    this.transport = transport
  }

  all(address: string): Promise<TopicConfig[]> {
    return allPages(
      ({ topicName }) => topicName,
      async (first, dataVersion) => {
        const response = await this.transport.call(address, {
          code: RequestCode.GET_ALL_TOPIC_CONFIG,
          header: GetAllTopicConfigRequestHeader,
          values: dataVersion === null ? {} : { topicSeq: first, dataVersion },
          timeoutMs: TIMEOUT_MS,
        })
        const body = bodyOf(TopicConfigSerializeWrapper, response.body, address)
        const header = headerOf(GetAllTopicConfigResponseHeader, response, address)
        const rows = [...body.topicConfigTable.values()]
        return { rows, total: header.totalTopicNum, version: body.dataVersion }
      },
    )
  }
}

/** GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201), whole. */
export class GroupPages {
  private readonly transport: AdminTransport

  constructor(transport: AdminTransport) {
    this.transport = transport
  }

  all(address: string): Promise<SubscriptionGroupConfig[]> {
    return allPages(
      ({ groupName }) => groupName,
      async (first, dataVersion) => {
        const response = await this.transport.call(address, {
          code: RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
          header: GetAllSubscriptionGroupRequestHeader,
          values: dataVersion === null ? {} : { groupSeq: first, dataVersion },
          timeoutMs: TIMEOUT_MS,
        })
        const body = bodyOf(SubscriptionGroupWrapper, response.body, address)
        const header = headerOf(GetAllSubscriptionGroupResponseHeader, response, address)
        const rows = [...body.subscriptionGroupTable.values()]
        return { rows, total: header.totalGroupNum, version: body.dataVersion }
      },
    )
  }
}
