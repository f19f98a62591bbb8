// Message records as pulls return them (and as the commit log stores them).
//
//   0 totalSize i32        20 queueOffset i64     56 storeTimestamp i64
//   4 magic i32            28 physicalOffset i64  64 storeHost 4+4 (16+4)
//   8 bodyCrc i32          36 sysFlag i32            reconsumeTimes i32, preparedTransactionOffset i64
//  12 queueId i32          40 bornTimestamp i64      bodyLength i32, body
//  16 flag i32             48 bornHost 4+4 (16+4)    topicLength i8 (V2: i16), topic, propertiesLength i16, properties

const MAGIC_V2 = 0xdaa320ab
const BORN_HOST_V6 = 16
const STORE_HOST_V6 = 32

export interface StoredRecord {
  topic: string
  queueId: number
  queueOffset: number
  physicalOffset: number
  storeTimestamp: number
  bodyCrc: number
  body: Buffer
  properties: string
}

/** Every record of a pull's body, in order. */
export function parseRecords(bytes: Buffer): StoredRecord[] {
  const records: StoredRecord[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readInt32BE(at)
    if (size <= 0 || at + size > bytes.length) throw new Error(`record of ${size} bytes at ${at}`)
    records.push(parseRecord(bytes.subarray(at, at + size)))
    at += size
  }
  return records
}

function parseRecord(bytes: Buffer): StoredRecord {
  const sysFlag = bytes.readInt32BE(36)
  const bornEnd = 48 + ((sysFlag & BORN_HOST_V6) === 0 ? 8 : 20)
  const storeEnd = bornEnd + 8 + ((sysFlag & STORE_HOST_V6) === 0 ? 8 : 20)
  const bodyAt = storeEnd + 16
  const topicAt = bodyAt + bytes.readInt32BE(storeEnd + 12)
  const v2 = bytes.readUInt32BE(4) === MAGIC_V2
  const topicStart = topicAt + (v2 ? 2 : 1)
  const topicEnd = topicStart + (v2 ? bytes.readInt16BE(topicAt) : bytes.readInt8(topicAt))
  const propertiesEnd = topicEnd + 2 + bytes.readInt16BE(topicEnd)
  return {
    topic: bytes.toString('utf8', topicStart, topicEnd),
    queueId: bytes.readInt32BE(12),
    queueOffset: Number(bytes.readBigInt64BE(20)),
    physicalOffset: Number(bytes.readBigInt64BE(28)),
    storeTimestamp: Number(bytes.readBigInt64BE(bornEnd)),
    bodyCrc: bytes.readInt32BE(8),
    body: Buffer.from(bytes.subarray(bodyAt, topicAt)),
    properties: bytes.toString('utf8', topicEnd + 2, propertiesEnd),
  }
}
