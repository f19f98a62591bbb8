import { ApogeeError, type Decoded, isMalformed } from '@apogee/base'
import type { Clock } from '@apogee/env'
import {
  ConsumerOffsetSerializeWrapper,
  type DataVersion,
  DelayOffsetSerializeWrapper,
  decodeBody,
  RequestCode,
  ResponseCode,
  type SubscriptionGroupConfig,
  SubscriptionGroupWrapper,
  type TopicConfig,
  TopicConfigAndMappingSerializeWrapper,
} from '@apogee/protocol'
import type { RemotingClient, Response } from '@apogee/remoting'
import { KNOWN_VERSION_FIELD, LOG_END_FIELD, TABLE_VERSION_FIELD } from './table-version.ts'

/** A master that is silent for this long on a small question is not there. */
const TIMEOUT_MS = 3000
/** For a table that comes in one piece, whatever its size. */
const TABLE_TIMEOUT_MS = 10_000
/** Rows of one answer; Apache's splitMetadataSize is the same. */
const PAGE_ROWS = 2000
/** How often a table that changes while its parts are fetched is begun anew. */
const PAGE_ATTEMPTS = 3
/** Values in one answer: far more than a frame can carry rows. */
const LIMITS = { valuesMax: 5_000_000 } as const

type Forbidden = ReadonlyMap<string, ReadonlyMap<string, number>>

/** A table that was fetched, whole. */
export interface FetchedTable<T> {
  readonly rows: ReadonlyMap<string, T>
  readonly version: DataVersion
  /** Of groups: what they are forbidden. */
  readonly forbidden: Forbidden
  /** The end of the master's log at that moment; null: it does not say (Apache's). */
  readonly logEnd: number | null
}

interface Page<T> {
  readonly rows: ReadonlyMap<string, T>
  readonly version: DataVersion
  readonly forbidden: Forbidden
}

/** How a table that comes in parts is asked for. */
interface PagedTable<T> {
  readonly code: number
  readonly seqField: string
  readonly maxField: string
  readonly totalField: string
  readonly decode: (body: Buffer) => Decoded<Page<T>>
}

const NONE: Forbidden = new Map()

const TOPICS: PagedTable<TopicConfig> = {
  code: RequestCode.GET_ALL_TOPIC_CONFIG,
  seqField: 'topicSeq',
  maxField: 'maxTopicNum',
  totalField: 'totalTopicNum',
  decode: (body) => {
    const wrapper = decodeBody(TopicConfigAndMappingSerializeWrapper, body, LIMITS)
    if (isMalformed(wrapper)) return wrapper
    const { dataVersion: version, topicConfigTable: rows } = wrapper
    return { rows, version, forbidden: NONE }
  },
}

const GROUPS: PagedTable<SubscriptionGroupConfig> = {
  code: RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
  seqField: 'groupSeq',
  maxField: 'maxGroupNum',
  totalField: 'totalGroupNum',
  decode: (body) => {
    const wrapper = decodeBody(SubscriptionGroupWrapper, body, LIMITS)
    if (isMalformed(wrapper)) return wrapper
    const { dataVersion, forbiddenTable: forbidden, subscriptionGroupTable: rows } = wrapper
    return {
      rows,
      version: dataVersion ?? { stateVersion: 0, timestamp: 0, counter: 0 },
      forbidden,
    }
  },
}

/**
 * Asks one master for its tables, one request at a time. Every method rejects with what RemotingClient.invoke rejects with,
 * MASTER_REFUSED, MASTER_TABLE_CHANGING and the codes of `decodeBody`. Java: BrokerOuterAPI.getAllTopicConfig and the like.
 */
export class MasterTables {
  readonly address: string
  /** Its answers name versions: a master of ours. */
  isOurs = false
  /** Time that reading answers took, ms; whoever looks sets it back. */
  busyMs = 0
  private offsetVersion = ''
  private delayVersion = ''
  private readonly client: Pick<RemotingClient, 'invoke'>
  private readonly clock: Clock

  constructor(address: string, deps: { client: Pick<RemotingClient, 'invoke'>; clock: Clock }) {
    this.address = address
    this.client = deps.client
    this.clock = deps.clock
  }

  /** All topics; null when the version is `known`. */
  topics(known: string): Promise<FetchedTable<TopicConfig> | null> {
    return this.paged(TOPICS, known)
  }

  /** All groups; null when the version is `known`. */
  groups(known: string): Promise<FetchedTable<SubscriptionGroupConfig> | null> {
    return this.paged(GROUPS, known)
  }

  /** All consumer offsets; null when they are as they were the last time, unless `whole` is asked for. */
  async offsets(whole: boolean): Promise<ConsumerOffsetSerializeWrapper | null> {
    const known = whole ? '' : this.offsetVersion
    const fields = new Map([[KNOWN_VERSION_FIELD, known]])
    const response = await this.ask(RequestCode.GET_ALL_CONSUMER_OFFSET, fields, TABLE_TIMEOUT_MS)
    if (isUnchanged(response, known)) return null
    const table = this.read(() => decodeBody(ConsumerOffsetSerializeWrapper, response.body, LIMITS))
    this.offsetVersion = response.fields.get(TABLE_VERSION_FIELD) ?? ''
    return table
  }

  /** Progress of all delay levels; null when it is as it was the last time. */
  async delays(): Promise<DelayOffsetSerializeWrapper | null> {
    const known = this.delayVersion
    const fields = new Map([[KNOWN_VERSION_FIELD, known]])
    const response = await this.ask(RequestCode.GET_ALL_DELAY_OFFSET, fields, TIMEOUT_MS)
    if (isUnchanged(response, known)) return null
    const table = this.read(() => decodeBody(DelayOffsetSerializeWrapper, response.body))
    this.delayVersion = response.fields.get(TABLE_VERSION_FIELD) ?? ''
    return table
  }

  /** Does `work`, which takes over what was fetched, and counts its time. */
  busy<T>(work: () => T): T {
    const startedMs = this.clock.monotonicMs()
    const result = work()
    this.busyMs += this.clock.monotonicMs() - startedMs
    return result
  }

  private async paged<T>(spec: PagedTable<T>, known: string): Promise<FetchedTable<T> | null> {
    for (let attempt = 0; attempt < PAGE_ATTEMPTS; attempt++) {
      const found = await this.collect(spec, known)
      if (found !== 'changed') return found
    }
    const message = `the table of request code ${spec.code} changed ${PAGE_ATTEMPTS} times while it was fetched`
    throw new ApogeeError('MASTER_TABLE_CHANGING', message)
  }

  private async collect<T>(
    spec: PagedTable<T>,
    known: string,
  ): Promise<FetchedTable<T> | null | 'changed'> {
    const rows = new Map<string, T>()
    const forbidden = new Map<string, ReadonlyMap<string, number>>()
    let first: Page<T> | null = null
    for (;;) {
      const fields = pageFields(spec, rows.size, first?.version ?? null, known)
      const response = await this.ask(spec.code, fields, TIMEOUT_MS)
      if (first === null && isUnchanged(response, known)) return null
      const page = this.read(() => spec.decode(response.body))
      if (first !== null && jsonOf(first.version) !== jsonOf(page.version)) return 'changed'
      first ??= page
      const before = rows.size
      for (const [name, row] of page.rows) rows.set(name, row)
      for (const [name, bits] of page.forbidden) forbidden.set(name, bits)
      const total = response.fields.get(spec.totalField)
      // Before 5.x a table comes whole, and its size is not told.
      if (total === undefined || rows.size >= Number(total)) {
        const logEnd = response.fields.get(LOG_END_FIELD)
        const { version } = page
        return { rows, version, forbidden, logEnd: logEnd === undefined ? null : Number(logEnd) }
      }
      // Half a table would be taken for the whole one.
      if (rows.size === before) return 'changed'
    }
  }

  private async ask(
    code: number,
    fields: Map<string, string>,
    timeoutMs: number,
  ): Promise<Response> {
    const response = await this.client.invoke(this.address, { code, fields }, timeoutMs)
    if (response.code !== ResponseCode.SUCCESS) {
      const message = `request code ${code} was answered ${response.code}: ${response.remark ?? ''}`
      throw new ApogeeError('MASTER_REFUSED', message)
    }
    if (fields.has(KNOWN_VERSION_FIELD)) this.isOurs = response.fields.has(TABLE_VERSION_FIELD)
    return response
  }

  private read<T>(decode: () => Decoded<T>): T {
    const value = this.busy(decode)
    if (isMalformed(value)) throw new ApogeeError(value.code, value.detail)
    return value
  }
}

/** Every part is asked for with the version of those before it; a master whose table is another begins anew. */
function pageFields<T>(
  { maxField, seqField }: PagedTable<T>,
  from: number,
  version: DataVersion | null,
  known: string,
): Map<string, string> {
  const fields = new Map([
    [seqField, String(from)],
    [maxField, String(PAGE_ROWS)],
    [KNOWN_VERSION_FIELD, version === null ? known : ''],
  ])
  if (version !== null) fields.set('dataVersion', jsonOf(version))
  return fields
}

function isUnchanged(response: Response, known: string): boolean {
  return known !== '' && response.fields.get(TABLE_VERSION_FIELD) === known
}

/** As Java writes it: members in the order of their names. */
function jsonOf({ counter, stateVersion, timestamp }: DataVersion): string {
  return `{"counter":${counter},"stateVersion":${stateVersion},"timestamp":${timestamp}}`
}
