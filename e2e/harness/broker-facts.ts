// What a broker of either house says about itself, over a plain socket.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Fields, RawClient } from './raw-client.ts'

const CODES = {
  queryConsumerOffset: 14,
  updateConsumerOffset: 15,
  allTopicConfig: 21,
  updateBrokerConfig: 25,
  runtimeInfo: 28,
  allSubscriptionGroups: 201,
} as const
const POLL_MS = 100

async function ask(
  address: string,
  code: number,
  fields: Fields = {},
  body?: Buffer,
): Promise<Awaited<ReturnType<RawClient['request']>>> {
  const client = await RawClient.connect(address)
  try {
    return await client.request(code, fields, body)
  } finally {
    client.close()
  }
}

/** The table of GET_BROKER_RUNTIME_INFO. */
export async function runtimeInfo(address: string): Promise<Readonly<Record<string, string>>> {
  const { code, remark, body } = await ask(address, CODES.runtimeInfo)
  if (code !== 0) throw new Error(`runtime info of ${address}: ${code} ${remark}`)
  return (JSON.parse(body.toString()) as { table: Record<string, string> }).table
}

export interface LogRange {
  min: number
  max: number
}

export async function logRange(address: string): Promise<LogRange> {
  const table = await runtimeInfo(address)
  return { min: Number(table['commitLogMinOffset']), max: Number(table['commitLogMaxOffset']) }
}

/** Both topic and group tables as they travel to slaves: the names are in there or not. */
export async function knowsTopic(address: string, topic: string): Promise<boolean> {
  const { code, body } = await ask(address, CODES.allTopicConfig)
  return code === 0 && body.includes(`"${topic}"`)
}

export async function knowsGroup(address: string, group: string): Promise<boolean> {
  const { code, body } = await ask(address, CODES.allSubscriptionGroups)
  return code === 0 && body.includes(`"${group}"`)
}

/** -1: none. */
export async function committedOffset(
  address: string,
  consumerGroup: string,
  topic: string,
  queueId: number,
): Promise<number> {
  const fields = { consumerGroup, topic, queueId, setZeroIfNotFound: false }
  const answer = await ask(address, CODES.queryConsumerOffset, fields)
  return answer.code === 0 ? Number(answer.fields['offset']) : -1
}

export async function commitOffset(
  address: string,
  consumerGroup: string,
  topic: string,
  queueId: number,
  offset: number,
): Promise<void> {
  const fields = { consumerGroup, topic, queueId, commitOffset: offset }
  const { code, remark } = await ask(address, CODES.updateConsumerOffset, fields)
  if (code !== 0) throw new Error(`commit at ${address}: ${code} ${remark}`)
}

/** What `mqadmin updateBrokerConfig -b ADDRESS -k KEY -v VALUE` sends. */
export async function setBrokerConfig(address: string, key: string, value: string): Promise<void> {
  const { code, remark } = await ask(
    address,
    CODES.updateBrokerConfig,
    {},
    Buffer.from(`${key}=${value}\n`),
  )
  if (code !== 0) throw new Error(`${key}=${value} at ${address}: ${code} ${remark}`)
}

/** Asks again until it is true. `what` says in words what did not happen in time. */
export async function until(
  what: string,
  timeoutMs: number,
  condition: () => Promise<boolean> | boolean,
): Promise<number> {
  const startedMs = performance.now()
  for (;;) {
    const passedMs = performance.now() - startedMs
    let problem = ''
    try {
      if (await condition()) return passedMs
    } catch (error) {
      problem = ` (${(error as Error).message})`
    }
    if (passedMs > timeoutMs) throw new Error(`${what}: not in ${timeoutMs} ms${problem}`)
    await sleep(POLL_MS)
  }
}

/** The slave's log ends where its master's does. Only true for long when nobody sends. */
export async function caughtUp(master: string, slave: string, timeoutMs: number): Promise<number> {
  return await until(`${slave} has all that ${master} has`, timeoutMs, async () => {
    const [one, other] = [await logRange(master), await logRange(slave)]
    return other.max === one.max && other.max > 0
  })
}
