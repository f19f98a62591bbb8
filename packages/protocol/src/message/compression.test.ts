import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMalformed, Malformed, Prng } from '@apogee/base'
import fc from 'fast-check'
import { compress, decompress, plainBody, shownBody } from './compression.ts'
import { decodeLz4Frame, encodeLz4Frame } from './lz4-frame.ts'
import { CompressionType, compressionTypeOf, MessageSysFlag, withCompression } from './sys-flag.ts'
import { xxHash32 } from './xxhash32.ts'

const TYPES = Object.values(CompressionType)
const LIMIT = 1 << 20

function bytesOf(value: unknown): string {
  assert.ok(value instanceof Uint8Array, JSON.stringify(value))
  return Buffer.from(value).toString('hex')
}

/** Runs of zeros, repeats and noise, so that every kind of sequence comes up. */
const bodies = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.tuple(fc.nat(255), fc.nat(700)).map(([byte, size]) => new Uint8Array(size).fill(byte)),
      fc.constantFrom('order', 'order paid', 'topic').map((text) => Buffer.from(text.repeat(9))),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts))

test('a body survives each compression', () => {
  fc.assert(
    fc.property(bodies, fc.constantFrom(...TYPES), (body, type) => {
      const packed = compress(type, body)
      assert.equal(bytesOf(decompress(type, packed, LIMIT)), body.toString('hex'))
      assert.equal(bytesOf(decompress(type, packed, body.length)), body.toString('hex'))
      if (body.length === 0) return
      const tooLarge = decompress(type, packed, body.length - 1)
      assert.ok(tooLarge instanceof Malformed && tooLarge.code === 'DECOMPRESSED_TOO_LARGE')
    }),
  )
})

test('LZ4 bodies of every block size survive, compressible or not', () => {
  const prng = new Prng(7)
  for (const size of [65_535, 65_536, 65_537, 300_000, 4 * LIMIT + 1]) {
    const body = Buffer.alloc(size)
    for (let i = 0; i < size; i += 3) body[i] = size % 2 === 0 ? prng.below(256) : prng.below(3)
    const packed = encodeLz4Frame(body)
    assert.ok(packed.length < size + 64)
    const plain = decodeLz4Frame(packed, size)
    assert.ok(plain instanceof Uint8Array && Buffer.compare(plain, body) === 0)
  }
})

const GREETING = 'hello hello hello hello hello, apogee'
/** Of this text: by lz4-java 1.10.3; by lz4 -BD -BX (linked, checksums); by lz4 -BX --content-size. */
const FRAMES = [
  '04224d18607073130000006f68656c6c6f20060004802c2061706f67656500000000',
  '04224d187440bd130000006f68656c6c6f20060004802c2061706f676565852e75580000000093ccb58e',
  '04224d187c402500000000000000bc130000006f68656c6c6f20060004802c2061706f676565852e75580000000093ccb58e',
]

test('frames of other encoders are read', () => {
  for (const hex of FRAMES) {
    const plain = decodeLz4Frame(Buffer.from(hex, 'hex'), LIMIT)
    assert.equal(Buffer.from(bytesOf(plain), 'hex').toString(), GREETING)
  }
})

test('frames may follow each other, with skippable ones between', () => {
  const skippable = '502a4d1803000000aabbcc'
  const bytes = Buffer.from(`${FRAMES[0]}${skippable}${FRAMES[1]}`, 'hex')
  const plain = decodeLz4Frame(bytes, LIMIT)
  assert.equal(Buffer.from(bytesOf(plain), 'hex').toString(), GREETING + GREETING)
})

test('every flipped bit of a checked frame and every cut is noticed', () => {
  const frame = Buffer.from(FRAMES[2]!, 'hex')
  for (let bit = 0; bit < frame.length * 8; bit++) {
    const changed = Buffer.from(frame)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    const plain = decodeLz4Frame(changed, LIMIT)
    assert.ok(isMalformed(plain), `bit ${bit}`)
  }
  for (let length = 0; length < frame.length; length++) {
    assert.ok(isMalformed(decodeLz4Frame(frame.subarray(0, length), LIMIT)), `length ${length}`)
  }
})

test('a small frame of much output stops at the limit', () => {
  const bomb = encodeLz4Frame(Buffer.alloc(64 * LIMIT))
  assert.ok(bomb.length < LIMIT)
  const plain = decodeLz4Frame(bomb, LIMIT)
  assert.ok(plain instanceof Malformed && plain.code === 'DECOMPRESSED_TOO_LARGE')
})

test('any bytes inflate or give a coded error', () => {
  const mutated = fc
    .tuple(bodies, fc.constantFrom(...TYPES), fc.array(fc.tuple(fc.nat(), fc.nat(255))))
    .map(([body, type, changes]) => {
      const packed = Buffer.from(compress(type, body))
      for (const [at, byte] of changes) packed[at % packed.length] = byte
      return packed
    })
  const input = fc.oneof(mutated, fc.uint8Array({ maxLength: 100 }))
  fc.assert(
    fc.property(input, fc.constantFrom(...TYPES), (bytes, type) => {
      const plain = decompress(type, bytes, 4096)
      if (!isMalformed(plain)) assert.ok(plain.length <= 4096)
      else assert.match(plain.code, /^(LZ4_|COMPRESSED_CORRUPT|DECOMPRESSED_TOO_LARGE)/)
    }),
    { numRuns: 1000 },
  )
})

test('sysFlag says how a body is compressed; zlib when only the old bit is set', () => {
  const body = Buffer.from(GREETING)
  for (const type of TYPES) {
    const flag = withCompression(MessageSysFlag.MULTI_TAGS, type)
    assert.equal(compressionTypeOf(flag), type)
    assert.equal(bytesOf(plainBody(flag, compress(type, body), LIMIT)), body.toString('hex'))
  }
  assert.equal(withCompression(0, CompressionType.ZLIB), 0x301)
  const old = plainBody(MessageSysFlag.COMPRESSED, compress(CompressionType.ZLIB, body), LIMIT)
  assert.equal(bytesOf(old), body.toString('hex'))
  assert.equal(plainBody(0x300, body, LIMIT), body)
  const unknown = plainBody(0x701, body, LIMIT)
  assert.ok(unknown instanceof Malformed && unknown.code === 'COMPRESSION_UNKNOWN')
})

test('a body is shown inflated, and as it is stored when that cannot be', () => {
  const body = Buffer.from(GREETING)
  const stored = compress(CompressionType.ZLIB, body)
  assert.equal(bytesOf(shownBody(MessageSysFlag.COMPRESSED, stored)), body.toString('hex'))
  const damaged = stored.subarray(0, stored.length - 5)
  assert.equal(shownBody(MessageSysFlag.COMPRESSED, damaged), damaged)
  assert.equal(shownBody(0x701, body), body)
})

test('xxHash32 gives the known values', () => {
  const hash = (text: string, seed = 0): number => {
    const bytes = Buffer.from(text)
    return xxHash32(bytes, 0, bytes.length, seed)
  }
  assert.equal(hash(''), 0x02cc5d05)
  assert.equal(hash('a'), 0x550d7456)
  assert.equal(hash('abc'), 0x32d153ff)
  assert.equal(hash('Nobody inspects the spammish repetition'), 0xe2293b2f)
})
