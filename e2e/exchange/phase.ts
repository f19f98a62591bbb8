// One owner's time with a store that changes hands: check all that earlier owners left, then add to it.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fields, RawClient } from '../harness/raw-client.ts'
import { parseRecords, type StoredRecord } from '../harness/records.ts'

export const topic = 'ExchangeTopic'
export const delayedTopic = 'ExchangeDelayed'
export const group = 'exchange_group'
export const queues = 4

const CODES = {
  send: 310,
  pull: 11,
  query: 12,
  queryOffset: 14,
  updateOffset: 15,
  maxOffset: 30,
  view: 33,
  heartBeat: 34,
} as const
const PULL_SUBSCRIPTION = 4
const MESSAGES = 60
const WAIT_MS = 20_000

interface Written {
  body: Buffer
  queueId: number
  queueOffset: number
  offsetMsgId: string
  key: string
}

/** What every owner must find, growing from phase to phase. */
export class Estate {
  readonly written: Written[] = []
  delayedSent = 0
  committed: number | null = null
  phase = 0
}

/** With one broker: checks the estate, then writes messages that fill several commit log files. */
export class Owner {
  readonly #client: RawClient
  readonly #estate: Estate

  constructor(client: RawClient, estate: Estate) {
    this.#client = client
    this.#estate = estate
  }

  async #ask(
    code: number,
    fields: Fields,
    body?: Buffer,
  ): Promise<ReturnType<RawClient['request']>> {
    return await this.#client.request(code, fields, body)
  }

  async checkAll(): Promise<void> {
    const found = await this.#readAll(topic)
    const place = (one: { queueId: number; queueOffset: number; body: Buffer }): string =>
      `${one.queueId}/${one.queueOffset} ${one.body.length} ${one.body.toString('latin1', 0, 40)}`
    assert.deepEqual(found.map(place).toSorted(), this.#estate.written.map(place).toSorted())
    for (const written of this.#estate.written) {
      const same = found.find(
        (one) => one.queueId === written.queueId && one.queueOffset === written.queueOffset,
      )
      assert.ok(same !== undefined, `nothing in the place of ${written.key}`)
      assert.ok(same.body.equals(written.body), `body of ${written.key}`)
      const at = Number(Buffer.from(written.offsetMsgId, 'hex').readBigInt64BE(8))
      assert.equal(same.physicalOffset, at, `physical offset of ${written.key}`)
    }
  }

  /** Lookups by key and by offset of every ninth message from the given one on. */
  async checkLookups(from: number): Promise<void> {
    const asked = this.#estate.written.filter((_, index) => index >= from && index % 9 === 0)
    for (const written of asked) {
      const byKey = await this.#query(written.key)
      assert.deepEqual(
        byKey.map((one) => `${one.queueId}/${one.queueOffset}`),
        [`${written.queueId}/${written.queueOffset}`],
        `lookup of ${written.key}`,
      )
      const offset = Number(Buffer.from(written.offsetMsgId, 'hex').readBigInt64BE(8))
      const viewed = await this.#ask(CODES.view, { topic, offset })
      assert.equal(viewed.code, 0, `view of ${written.key}: ${viewed.remark}`)
      assert.ok(parseRecords(viewed.body)[0]?.body.equals(written.body))
    }
  }

  /** The index is built behind the log. */
  async #query(key: string): Promise<StoredRecord[]> {
    const deadline = Date.now() + WAIT_MS
    const times = { beginTimestamp: 0, endTimestamp: Date.now() + 3_600_000 }
    for (;;) {
      const fields = { topic, key, maxNum: 32, ...times, _UNIQUE_KEY_QUERY: false }
      const frame = await this.#ask(CODES.query, fields)
      if (frame.code === 0 || Date.now() > deadline)
        return frame.code === 0 ? parseRecords(frame.body) : []
      await sleep(100)
    }
  }

  async checkCommitted(): Promise<void> {
    if (this.#estate.committed === null) return
    const frame = await this.#ask(CODES.queryOffset, { consumerGroup: group, topic, queueId: 0 })
    assert.equal(frame.code, 0, `committed offset: ${frame.remark}`)
    assert.equal(Number(frame.fields['offset']), this.#estate.committed)
  }

  /** Messages delayed by an earlier owner arrive; after a kill one may come twice. */
  async checkDelayed(afterKill: boolean): Promise<void> {
    if (this.#estate.delayedSent === 0) return
    const deadline = Date.now() + WAIT_MS
    const wanted = Array.from(
      { length: this.#estate.delayedSent },
      (_, index) => `delayed-${index}`,
    )
    for (;;) {
      const bodies = (await this.#readAll(delayedTopic)).map((one) => one.body.toString())
      const arrived = afterKill ? [...new Set(bodies)] : bodies
      if (arrived.length >= wanted.length || Date.now() > deadline) {
        assert.deepEqual(arrived.toSorted(), wanted)
        return
      }
      await sleep(200)
    }
  }

  async write(): Promise<void> {
    const phase = this.#estate.phase++
    for (let index = 0; index < MESSAGES; index++) {
      const key = `key-${phase}-${index}`
      // Every third one is long: a phase fills more than two files of 4 MiB.
      const body = Buffer.alloc(index % 3 === 0 ? 480_000 : 20 + index * 7, `${key};`)
      const frame = await this.#send(topic, index % queues, key, body, '')
      const { queueId, queueOffset, msgId } = frame
      this.#estate.written.push({ body, key, queueId, queueOffset, offsetMsgId: msgId })
    }
    const delayed = Buffer.from(`delayed-${this.#estate.delayedSent++}`)
    // Level 2 of the suite's ladder is three seconds: the next owner delivers it.
    await this.#send(delayedTopic, 0, `delay-${phase}`, delayed, 'DELAY\u00012\u0002')
    this.#estate.committed = this.#estate.written.filter((one) => one.queueId === 0).length
    const commit = { consumerGroup: group, topic, queueId: 0, commitOffset: this.#estate.committed }
    const frame = await this.#ask(CODES.updateOffset, commit)
    assert.equal(frame.code, 0, `commit of an offset: ${frame.remark}`)
  }

  async #send(
    to: string,
    queueId: number,
    key: string,
    body: Buffer,
    more: string,
  ): Promise<{ queueId: number; queueOffset: number; msgId: string }> {
    const unique = key.padStart(32, '0').toUpperCase()
    const properties = `KEYS\u0001${key}\u0002UNIQ_KEY\u0001${unique}\u0002TAGS\u0001red\u0002${more}`
    const names = { a: 'exchange_producer', b: to, c: 'TBW102', d: 4, e: queueId, f: 0 }
    const rest = { g: Date.now(), h: 0, i: properties, j: 0, k: false, l: 0, m: false }
    const { code, remark, fields } = await this.#ask(CODES.send, { ...names, ...rest }, body)
    assert.equal(code, 0, `send of ${key}: ${remark}`)
    const place = { queueId: Number(fields['queueId']), queueOffset: Number(fields['queueOffset']) }
    return { ...place, msgId: fields['msgId'] ?? '' }
  }

  async #readAll(from: string): Promise<StoredRecord[]> {
    const all: StoredRecord[] = []
    for (let queueId = 0; queueId < (from === topic ? queues : 1); queueId++) {
      const end = await this.#ask(CODES.maxOffset, { topic: from, queueId })
      let offset = 0
      while (offset < Number(end.fields['offset'])) {
        const names = { consumerGroup: group, topic: from, queueId, queueOffset: offset }
        const flags = { maxMsgNums: 32, sysFlag: PULL_SUBSCRIPTION, commitOffset: 0 }
        const rest = { suspendTimeoutMillis: 0, subscription: '*', subVersion: 0 }
        const frame = await this.#ask(CODES.pull, { ...names, ...flags, ...rest })
        if (frame.code === 0) all.push(...parseRecords(frame.body))
        const next = Number(frame.fields['nextBeginOffset'])
        assert.ok(
          next > offset,
          `pull at ${from}/${queueId}/${offset}: ${frame.code} ${frame.remark}`,
        )
        offset = next
      }
    }
    return all
  }
}
