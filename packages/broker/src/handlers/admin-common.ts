import { type Decoded, isMalformed } from '@apogee/base'
import {
  type BodyCodec,
  type DataVersion,
  decodeBody,
  type MessageQueue,
  ResponseCode,
  validateTopic,
} from '@apogee/protocol'
import { type Answer, refuse } from '@apogee/remoting'
import type { DataVersion as OwnDataVersion } from '../data-version.ts'
import type { TableFile } from '../persist/table-file.ts'

/** What admin handlers have in common. */
export const ADMIN = { lane: 'admin', permission: 'admin' } as const

/** The body, or the answer that says what is wrong with it. */
export function bodyOf<T>(codec: BodyCodec<T>, body: Buffer): { value: T } | { refusal: Answer } {
  const value: Decoded<T> = decodeBody(codec, body)
  if (!isMalformed(value)) return { value }
  return { refusal: refuse(ResponseCode.SYSTEM_ERROR, `${value.code}: ${value.detail}`) }
}

/** `answer`, once what was changed is on disk; code 1 when it cannot be written: it stays in memory and is tried again. */
export async function whenSaved(
  tables: readonly Pick<TableFile, 'name' | 'saved'>[],
  answer: Answer,
): Promise<Answer> {
  const errors = await Promise.all(tables.map((table) => table.saved()))
  const at = errors.findIndex((error) => error !== null)
  if (at === -1) return answer
  const remark = `in force, but config/${tables[at]!.name}.json could not be written and is tried again: ${errors[at]!.message}`
  return refuse(ResponseCode.SYSTEM_ERROR, remark)
}

/** The refusal of a topic that cannot be, before its name gets to a path; null when there is nothing against it. */
export function illegalTopic(topic: string): Answer | null {
  const problem = validateTopic(topic)
  return problem === null ? null : refuse(ResponseCode.INVALID_PARAMETER, problem.detail)
}

/** A queue of this broker, as bodies name it. */
export function messageQueue(topic: string, brokerName: string, queueId: number): MessageQueue {
  return { topic, brokerName, queueId }
}

/** What a table is fetched in parts by (request codes 21 and 201). */
export interface PageRequest {
  /** JSON of the version that the caller's first part came with. */
  readonly dataVersion: string | null
  readonly first: number | null
  readonly max: number | null
}

/**
 * The part of a sorted table that is asked for; all of it when nothing is said. A caller whose version is not ours starts
 * again at the first part.
 */
export function pageOf<T extends { readonly [K in N]: string }, N extends string>(
  items: Iterable<T>,
  nameKey: N,
  version: OwnDataVersion,
  request: PageRequest,
  pageMax: number | null,
  parse: (text: string) => DataVersion | null,
): T[] {
  const all = [...items]
  const wantsAll = request.dataVersion === null && request.first === null && request.max === null
  if (pageMax === null || wantsAll) return all
  all.sort((a, b) => (a[nameKey] < b[nameKey] ? -1 : 1))
  const known = request.dataVersion === null ? null : parse(request.dataVersion)
  const first = known !== null && version.equals(known) ? Math.max(0, request.first ?? 0) : 0
  const count = Math.max(0, Math.min(pageMax, request.max ?? pageMax))
  return all.slice(first, first + count)
}
