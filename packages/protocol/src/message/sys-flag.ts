/** Bits of a message's sysFlag (Java MessageSysFlag). */
export const MessageSysFlag = {
  COMPRESSED: 0x1,
  MULTI_TAGS: 0x2,
  /** Two bits: 0 not transactional, 4 prepared, 8 commit, 12 rollback. */
  TRANSACTION_MASK: 0xc,
  TRANSACTION_PREPARED: 0x4,
  TRANSACTION_COMMIT: 0x8,
  TRANSACTION_ROLLBACK: 0xc,
  BORN_HOST_V6: 0x10,
  STORE_HOST_V6: 0x20,
  NEED_UNWRAP: 0x40,
  INNER_BATCH: 0x80,
  /** Three bits, values of `CompressionType` shifted by 8. */
  COMPRESSION_MASK: 0x700,
} as const

/** Values of the compression bits (Java CompressionType). Old clients set only COMPRESSED; they mean zlib. */
export const CompressionType = { LZ4: 1, ZSTD: 2, ZLIB: 3 } as const
export type CompressionType = (typeof CompressionType)[keyof typeof CompressionType]

/** The compression a sysFlag names, COMPRESSED set or not; `null` for a value nobody has defined. */
export function compressionTypeOf(sysFlag: number): CompressionType | null {
  switch ((sysFlag & MessageSysFlag.COMPRESSION_MASK) >> 8) {
    case 0:
    case CompressionType.ZLIB:
      return CompressionType.ZLIB
    case CompressionType.LZ4:
      return CompressionType.LZ4
    case CompressionType.ZSTD:
      return CompressionType.ZSTD
    default:
      return null
  }
}

/** `sysFlag` with COMPRESSED set and the bits of `type`. */
export function withCompression(sysFlag: number, type: CompressionType): number {
  return (sysFlag & ~MessageSysFlag.COMPRESSION_MASK) | MessageSysFlag.COMPRESSED | (type << 8)
}

/** The two transaction bits: 0, PREPARED, COMMIT or ROLLBACK. */
export function transactionValueOf(sysFlag: number): number {
  return sysFlag & MessageSysFlag.TRANSACTION_MASK
}

/** `sysFlag` with its two transaction bits replaced. */
export function withTransactionValue(sysFlag: number, value: number): number {
  return (sysFlag & ~MessageSysFlag.TRANSACTION_MASK) | (value & MessageSysFlag.TRANSACTION_MASK)
}

/** Bits of the sysFlag of a pull request (Java PullSysFlag). */
export const PullSysFlag = {
  COMMIT_OFFSET: 0x1,
  SUSPEND: 0x2,
  SUBSCRIPTION: 0x4,
  CLASS_FILTER: 0x8,
  LITE_PULL: 0x10,
} as const
