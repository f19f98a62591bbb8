import { type Decoded, isMalformed, Malformed } from '@apogee/base'
import {
  compileSql,
  ExpressionType,
  inspectRecord,
  isTagType,
  PropertyBytesLookup,
  RECORD_OK,
  RecordView,
  type SqlFilter,
  TagFilter,
} from '@apogee/protocol'
import type { MessageFilter } from '@apogee/store'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { SubscriptionFields } from './subscription.ts'

/** Passes by the hash of a tag, which queue entries hold. */
class TagMessageFilter implements MessageFilter {
  readonly needsRecord = false
  private readonly tags: TagFilter

  constructor(tags: TagFilter) {
    this.tags = tags
  }

  matchesTags(tagsCode: number): boolean {
    // The low 32 bits, as Java's Long.intValue: entries of the schedule topic hold times.
    return this.tags.matches(tagsCode | 0)
  }

  matchesRecord(): boolean {
    return true
  }
}

/** Passes by the properties of the record. */
class SqlMessageFilter implements MessageFilter {
  readonly needsRecord = true
  private readonly sql: SqlFilter
  private readonly view: RecordView
  private readonly lookup: PropertyBytesLookup

  constructor(sql: SqlFilter, view: RecordView, lookup: PropertyBytesLookup) {
    this.sql = sql
    this.view = view
    this.lookup = lookup
  }

  matchesTags(): boolean {
    return true
  }

  matchesRecord(buffer: Uint8Array, at: number, size: number): boolean {
    const { view, lookup } = this
    if (inspectRecord(buffer, at, at + size, view) !== RECORD_OK) return false
    lookup.reset(buffer, view.propertiesStart, view.propertiesEnd)
    return this.sql.matches(lookup)
  }
}

/**
 * Filters of subscriptions. Compiled expressions are kept and shared (filterCacheMax, the oldest goes first); an
 * expression is at most filterExpressionSizeMax bytes. Java: FilterFactory, ConsumerFilterManager.
 */
export class FilterCompiler {
  private readonly config: BrokerConfig
  private readonly compiled = new Map<string, MessageFilter>()
  private readonly view = new RecordView()
  private readonly lookup = new PropertyBytesLookup()

  constructor(config: BrokerConfig) {
    this.config = config
  }

  /** The filter of a subscription; `null` = every message passes. Errors: SUBSCRIPTION_TYPE_UNKNOWN, SQL_…. */
  filterOf(data: SubscriptionFields): Decoded<MessageFilter | null> {
    if (isTagType(data.expressionType)) {
      const tags = new TagFilter(data)
      return tags.matchesAll ? null : new TagMessageFilter(tags)
    }
    if (data.expressionType !== ExpressionType.SQL92) {
      const type = JSON.stringify(data.expressionType.slice(0, 40))
      return new Malformed('SUBSCRIPTION_TYPE_UNKNOWN', `no filter of type ${type}`)
    }
    return this.sqlFilter(data.subString)
  }

  private sqlFilter(expression: string): Decoded<MessageFilter> {
    const known = this.compiled.get(expression)
    if (known !== undefined) return known
    const { filterExpressionSizeMax, filterCacheMax } = this.config.values
    const sql = compileSql(expression, { maxLength: filterExpressionSizeMax, ignoreRest: true })
    if (isMalformed(sql)) return sql
    const filter = new SqlMessageFilter(sql, this.view, this.lookup)
    if (this.compiled.size >= filterCacheMax) {
      const [oldest] = this.compiled.keys()
      if (oldest !== undefined) this.compiled.delete(oldest)
    }
    this.compiled.set(expression, filter)
    return filter
  }
}
