import { assert } from '@apogee/base'
import type { SerializeType } from './frame.ts'
import { REPLY_OVERHEAD, ReplyFieldName, ReplyWriter } from './reply-writer.ts'

const SUGGEST_WHICH_BROKER_ID = new ReplyFieldName('suggestWhichBrokerId')
const NEXT_BEGIN_OFFSET = new ReplyFieldName('nextBeginOffset')
const MIN_OFFSET = new ReplyFieldName('minOffset')
const MAX_OFFSET = new ReplyFieldName('maxOffset')
const TOPIC_SYS_FLAG = new ReplyFieldName('topicSysFlag')
const GROUP_SYS_FLAG = new ReplyFieldName('groupSysFlag')
const FORBIDDEN_TYPE = new ReplyFieldName('forbiddenType')

/** The reply to a pull (Java: PullMessageResponseHeader), reused. */
export class PullReply {
  code = 0
  opaque = 0
  /** UTF-8: the name of the store's status, as `FOUND`; null for none. */
  remark: Uint8Array | null = null
  suggestWhichBrokerId = 0
  nextBeginOffset = 0
  minOffset = 0
  maxOffset = 0
  topicSysFlag = 0
  groupSysFlag = 0
  /** Why nothing may be read (Java: ForbiddenType); −1 for none. */
  forbiddenType = -1
}

const writer = new ReplyWriter()

/** Bytes that {@link writePullReplyHead} needs at most. */
export function pullReplySizeMax(reply: PullReply): number {
  return REPLY_OVERHEAD + 384 + (reply.remark?.length ?? 0) * 6
}

/**
 * Writes the frame up to its body of `bodySize` bytes, which the caller sends after it, and returns where the head
 * ends. The caller has made room for `pullReplySizeMax(reply)` bytes.
 */
export function writePullReplyHead(
  into: Uint8Array,
  at: number,
  type: SerializeType,
  reply: PullReply,
  bodySize: number,
): number {
  assert(at + pullReplySizeMax(reply) <= into.length, 'no room for a pull reply', at, into.length)
  writer.begin(into, at, type, reply.code, reply.opaque, reply.remark)
  writer.integer(SUGGEST_WHICH_BROKER_ID, reply.suggestWhichBrokerId)
  writer.integer(NEXT_BEGIN_OFFSET, reply.nextBeginOffset)
  writer.integer(MIN_OFFSET, reply.minOffset)
  writer.integer(MAX_OFFSET, reply.maxOffset)
  writer.integer(TOPIC_SYS_FLAG, reply.topicSysFlag)
  writer.integer(GROUP_SYS_FLAG, reply.groupSysFlag)
  if (reply.forbiddenType >= 0) writer.integer(FORBIDDEN_TYPE, reply.forbiddenType)
  return writer.finish(bodySize)
}
