import { javaHash } from '@apogee/base'
import {
  inspectRecord,
  PropertySlot,
  PropertySpans,
  RECORD_OK,
  RecordView,
  scanProperties,
} from '@apogee/protocol'
import { indexKeyHash } from '../dispatch/record-dispatcher.ts'
import type { IndexService } from '../index-file/index-service.ts'
import { recordAt } from './find-offset.ts'
import type { LogReader } from './log-reader.ts'

export interface KeyQuery {
  topic: string
  key: string
  maxCount: number
  beginMs: number
  endMs: number
}

export interface KeyQueryResult {
  /** Newest first. */
  records: Buffer[]
  lastUpdateTimestamp: number
  lastUpdatePhysicalOffset: number
}

/**
 * Messages of a topic with a key, or with a unique key (QueryMessage 12). The index knows only hashes: what it finds is
 * checked against the record.
 */
export async function queryByKey(
  index: IndexService,
  reader: LogReader,
  query: KeyQuery,
): Promise<KeyQueryResult> {
  const hash = javaHash(`${query.topic}#${query.key}`)
  const found = await new Promise<{ offsets: number[]; timestamp: number; physicalOffset: number }>(
    (resolve) => {
      index.query(
        indexKeyHash(hash),
        query.maxCount,
        query.beginMs,
        query.endMs,
        (error, offsets, last) => {
          resolve({ offsets: error === null ? offsets : [], ...last })
        },
      )
    },
  )
  const records: Buffer[] = []
  for (const offset of found.offsets) {
    const record = await recordAt(reader, offset)
    if (record !== null && hasKey(record, query.topic, query.key)) records.push(record)
  }
  return {
    records,
    lastUpdateTimestamp: found.timestamp,
    lastUpdatePhysicalOffset: found.physicalOffset,
  }
}

function hasKey(record: Buffer, topic: string, key: string): boolean {
  const view = new RecordView()
  if (inspectRecord(record, 0, record.length, view) !== RECORD_OK) return false
  if (record.toString('utf8', view.topicStart, view.topicEnd) !== topic) return false
  const spans = new PropertySpans()
  scanProperties(record, view.propertiesStart, view.propertiesEnd, spans)
  const text = (slot: 1 | 2): string =>
    spans.has(slot) ? record.toString('utf8', spans.start(slot), spans.end(slot)) : ''
  return text(PropertySlot.UNIQ_KEY) === key || text(PropertySlot.KEYS).split(' ').includes(key)
}
