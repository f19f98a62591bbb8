import { equal } from 'node:assert/strict'
import { Malformed } from '@apogee/base'
import { encodeFrame, type FrameContent } from './encode.ts'
import { Frame } from './frame.ts'
import { FrameScanner } from './scanner.ts'

/** For tests: a frame with what a test does not care about filled in. */
export function frameOf(content: Partial<FrameContent>): Buffer {
  return encodeFrame({
    code: 310,
    opaque: 1,
    flag: 0,
    language: 0,
    version: 479,
    serializeType: 0,
    ...content,
  })
}

/** For tests: opens the one frame that the bytes are. */
export function openFrame(bytes: Buffer): Frame {
  const frame = new Frame()
  const scanner = new FrameScanner()
  scanner.push(bytes)
  const found = scanner.next(frame)
  if (found instanceof Malformed) throw new Error(`${found.code}: ${found.detail}`)
  equal(found, true)
  return frame
}

/** For tests: a frame around a header written by hand. */
export function rawFrame(type: number, header: string | Buffer, body = ''): Buffer {
  const bytes = Buffer.from(header as string)
  const frame = Buffer.alloc(8 + bytes.length)
  frame.writeInt32BE(4 + bytes.length + Buffer.byteLength(body), 0)
  frame.writeInt32BE((type << 24) | bytes.length, 4)
  bytes.copy(frame, 8)
  return Buffer.concat([frame, Buffer.from(body)])
}
