// The trace topic holds what clients wrote about messages: contexts separated by \x02, fields of one by \x01. The first
// field says which kind of context it is (Java: TraceDataEncoder).
//
//   Pub            time region group topic msgId tags keys storeHost bodyLength costMs msgType
//                  [offsetMsgId] success [client]
//   SubBefore      time region group requestId msgId retryTimes keys
//   SubAfter       requestId msgId costMs success keys [contextCode] [time group]
//   EndTransaction time region group topic msgId tags keys storeHost msgType transactionId state fromCheck
//   Recall         time region group topic msgId success

export type TraceType = 'Pub' | 'SubBefore' | 'SubAfter' | 'EndTransaction' | 'Recall'

/** One thing that a client noted about a message. What its kind does not say is null. */
export interface TraceRecord {
  readonly type: TraceType
  readonly msgId: string
  /** Wall clock of the client, milliseconds; null in old SubAfter records. */
  readonly atMs: number | null
  readonly group: string | null
  readonly topic: string | null
  readonly tags: string | null
  readonly keys: string | null
  /** Of a send or a handler, milliseconds. */
  readonly costMs: number | null
  readonly isSuccess: boolean | null
  readonly storeHost: string | null
  readonly clientHost: string | null
  readonly retryTimes: number | null
  /** Pairs SubBefore with SubAfter. */
  readonly requestId: string | null
  /** Of a transaction: COMMIT_MESSAGE, ROLLBACK_MESSAGE, UNKNOW. */
  readonly transactionState: string | null
}

const FIELD = '\x01'
const CONTEXT = '\x02'

/** Every record of a trace message's body; contexts of unknown kinds and those that are cut short are left out. */
export function parseTraces(text: string): TraceRecord[] {
  const records: TraceRecord[] = []
  for (const context of text.split(CONTEXT)) {
    const record = context === '' ? null : parseTrace(context.split(FIELD))
    if (record !== null) records.push(record)
  }
  return records
}

const NOTHING = {
  atMs: null,
  group: null,
  topic: null,
  tags: null,
  keys: null,
  costMs: null,
  isSuccess: null,
  storeHost: null,
  clientHost: null,
  retryTimes: null,
  requestId: null,
  transactionState: null,
}

function parseTrace(line: readonly string[]): TraceRecord | null {
  const at = (index: number): string => line[index] ?? ''
  switch (at(0)) {
    case 'Pub':
      return line.length < 13 ? null : published(line)
    case 'SubBefore':
      return line.length < 8
        ? null
        : {
            ...NOTHING,
            type: 'SubBefore',
            msgId: at(5),
            atMs: numberOf(at(1)),
            group: at(3),
            requestId: at(4),
            retryTimes: numberOf(at(6)),
            // Java's client writes `null` for none.
            keys: at(7) === 'null' ? '' : at(7),
          }
    case 'SubAfter':
      return line.length < 6 ? null : consumed(line)
    case 'EndTransaction':
      return line.length < 13
        ? null
        : {
            ...NOTHING,
            type: 'EndTransaction',
            ...common(line),
            tags: at(6),
            keys: at(7),
            storeHost: at(8),
            transactionState: at(11),
          }
    case 'Recall':
      return line.length < 7
        ? null
        : { ...NOTHING, type: 'Recall', ...common(line), isSuccess: at(6) === 'true' }
    default:
      return null
  }
}

function published(line: readonly string[]): TraceRecord {
  const at = (index: number): string => line[index] ?? ''
  // Old clients leave the offset id out, so the outcome moves by one.
  const isOld = line.length === 13
  return {
    ...NOTHING,
    type: 'Pub',
    ...common(line),
    tags: at(6),
    keys: at(7),
    storeHost: at(8),
    costMs: numberOf(at(10)),
    isSuccess: at(isOld ? 12 : 13) === 'true',
    clientHost: line[14] ?? null,
  }
}

function consumed(line: readonly string[]): TraceRecord {
  const at = (index: number): string => line[index] ?? ''
  const isDated = line.length >= 9
  return {
    ...NOTHING,
    type: 'SubAfter',
    requestId: at(1),
    msgId: at(2),
    costMs: numberOf(at(3)),
    isSuccess: at(4) === 'true',
    keys: at(5),
    atMs: isDated ? numberOf(at(7)) : null,
    group: isDated ? at(8) : null,
  }
}

function common(line: readonly string[]): Pick<TraceRecord, 'atMs' | 'group' | 'topic' | 'msgId'> {
  return {
    atMs: numberOf(line[1] ?? ''),
    group: line[3] ?? '',
    topic: line[4] ?? '',
    msgId: line[5] ?? '',
  }
}

function numberOf(text: string): number | null {
  const value = Number(text)
  return text !== '' && Number.isSafeInteger(value) ? value : null
}
