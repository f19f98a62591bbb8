/** Fixed fields, topic and properties: what a small RocketMQ record adds to its body. */
export const FLOOR_RECORD_OVERHEAD: number = 91 + 16 + 120

/** Size, checksum and body at their places; the other fields stay what they are. */
export function appendFloorRecord(
  batch: Buffer,
  at: number,
  size: number,
  crc: number,
  data: Buffer,
  bodyAt: number,
  end: number,
): void {
  batch.writeUInt32BE(crc, at + 8)
  batch.writeInt32BE(size, at)
  data.copy(batch, at + FLOOR_RECORD_OVERHEAD, bodyAt, end)
}
