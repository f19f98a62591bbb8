import { assert } from './assert.ts'

// Big-endian integers by plain byte access: V8 compiles these to a few loads, while the Buffer methods check and convert
// on every call. Callers have checked the bounds; reading past the end gives garbage, not an error, so check first.

export function readInt16(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) >> 16) | bytes[at + 1]!
}

export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

/** An int64 as a number: exact up to ±2^53−1, rounded beyond (a decoder that must refuse those checks the result). */
export function readInt64(bytes: Uint8Array, at: number): number {
  return readInt32(bytes, at) * 0x1_0000_0000 + (readInt32(bytes, at + 4) >>> 0)
}

export function writeInt16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8
  bytes[at + 1] = value
}

export function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 24
  bytes[at + 1] = value >> 16
  bytes[at + 2] = value >> 8
  bytes[at + 3] = value
}

/** Writes a safe integer as int64; negative values in two's complement. */
export function writeInt64(bytes: Uint8Array, at: number, value: number): void {
  assert(Number.isSafeInteger(value), 'int64 beyond 2^53', value)
  writeInt32(bytes, at, Math.floor(value / 0x1_0000_0000))
  writeInt32(bytes, at + 4, value % 0x1_0000_0000)
}
