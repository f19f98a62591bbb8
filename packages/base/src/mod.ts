export { AssertionError, assert, unreachable } from './assert.ts'
export {
  readInt16,
  readInt32,
  readInt64,
  writeInt16,
  writeInt32,
  writeInt64,
} from './bytes.ts'
export { ApogeeError, type Decoded, isMalformed, Malformed } from './errors.ts'
export { InternedText } from './interned-text.ts'
export { javaHash, javaHashAscii } from './java-hash.ts'
export { LimitedLog } from './limited-log.ts'
export { Prng } from './prng.ts'
export { RingQueue } from './ring-queue.ts'
