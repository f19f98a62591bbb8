import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import {
  ConsumerOffsetSerializeWrapper,
  encodeBody,
  type ConsumerOffsetSerializeWrapper as OffsetTable,
  RequestCode,
  ResponseCode,
  TopicConfigSerializeWrapper,
} from '@apogee/protocol'
import type { Response } from '@apogee/remoting'
import { ManualClock } from '../testing/manual-clock.ts'
import { TopicConfig } from '../topic/topic-config.ts'
import { MasterTables } from './master-tables.ts'

/** A master of Apache's: topics in parts, no versions in its answers. `isOld`: 4.x, which sends them whole. */
class ApacheMaster {
  readonly topics: string[] = []
  readonly asked: string[] = []
  counter = 1
  isOld = false
  /** Called before each answer. */
  before: () => void = () => {}

  invoke(code: number, fields: ReadonlyMap<string, string>): Response {
    this.before()
    this.asked.push(`${code} ${fields.get('topicSeq')} ${fields.get('dataVersion') ?? '-'}`)
    const version = { stateVersion: 0, timestamp: 7, counter: this.counter }
    const text = `{"counter":${this.counter},"stateVersion":0,"timestamp":7}`
    const isSame = fields.get('dataVersion') === text
    const first = this.isOld ? 0 : isSame ? Number(fields.get('topicSeq')) : 0
    const max = this.isOld ? this.topics.length : Number(fields.get('maxTopicNum'))
    const page = this.topics.slice(first, first + max)
    const topicConfigTable = new Map(page.map((name) => [name, new TopicConfig(name)]))
    const body = encodeBody(TopicConfigSerializeWrapper, { topicConfigTable, dataVersion: version })
    const total = new Map([['totalTopicNum', String(this.topics.length)]])
    return { code: 0, remark: null, fields: this.isOld ? new Map() : total, body }
  }
}

function tablesOf(
  invoke: (code: number, fields: ReadonlyMap<string, string>) => Response,
): MasterTables {
  return new MasterTables('m:1', {
    clock: new ManualClock(),
    client: {
      invoke: (_address, { code, fields }) => Promise.resolve(invoke(code, fields ?? new Map())),
    },
  })
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `t${i}`)

test('a large table comes in parts, each of the same version', async () => {
  const master = new ApacheMaster()
  master.topics.push(...names(4500))
  const tables = tablesOf((code, fields) => master.invoke(code, fields))
  const fetched = await tables.topics('0.7.1')
  equal(fetched?.rows.size, 4500)
  equal(fetched?.logEnd, null)
  equal(tables.isOurs, false)
  const version = '{"counter":1,"stateVersion":0,"timestamp":7}'
  deepEqual(master.asked, ['21 0 -', `21 2000 ${version}`, `21 4000 ${version}`])
})

test('a table that changes meanwhile is begun anew, some times', async () => {
  const master = new ApacheMaster()
  master.topics.push(...names(4500))
  const tables = tablesOf((code, fields) => master.invoke(code, fields))
  let changes = 1
  master.before = () => {
    if (master.asked.length === 1 && changes-- > 0) {
      master.counter++
      master.topics.push('late')
    }
  }
  const fetched = await tables.topics('')
  equal(fetched?.rows.size, 4501)
  equal(fetched?.version.counter, 2)

  master.before = () => master.counter++
  await rejects(tables.topics(''), { code: 'MASTER_TABLE_CHANGING' })
})

test('a table of which a part never comes is not taken', async () => {
  const master = new ApacheMaster()
  master.topics.push(...names(3000))
  const tables = tablesOf((code, fields) => {
    const answer = master.invoke(code, fields)
    answer.fields.set('totalTopicNum', '3001')
    return answer
  })
  await rejects(tables.topics(''), { code: 'MASTER_TABLE_CHANGING' })
})

test('a master of 4.x sends its table whole', async () => {
  const master = new ApacheMaster()
  master.isOld = true
  master.topics.push(...names(5000))
  const fetched = await tablesOf((code, fields) => master.invoke(code, fields)).topics('')
  equal(fetched?.rows.size, 5000)
  equal(master.asked.length, 1)
})

test('offsets are asked for by the last version, unless all are wanted', async () => {
  const known: (string | undefined)[] = []
  const table: OffsetTable = {
    offsetTable: new Map([['t@g', new Map([[0, 5]])]]),
    dataVersion: null,
  }
  const tables = tablesOf((code, fields) => {
    equal(code, RequestCode.GET_ALL_CONSUMER_OFFSET)
    const version = fields.get('knownDataVersion')
    known.push(version)
    const isSame = version === 'v1'
    const body = isSame ? Buffer.alloc(0) : encodeBody(ConsumerOffsetSerializeWrapper, table)
    return { code: 0, remark: null, fields: new Map([['tableVersion', 'v1']]), body }
  })
  equal((await tables.offsets(false))?.offsetTable.size, 1)
  equal(await tables.offsets(false), null)
  equal((await tables.offsets(true))?.offsetTable.size, 1)
  equal(await tables.offsets(false), null)
  deepEqual(known, ['', 'v1', '', 'v1'])
  equal(tables.isOurs, true)
})

test('a refusal and a body that is none are errors with a code', async () => {
  const answer = (code: number, text: string): Response => {
    return { code, remark: 'no', fields: new Map(), body: Buffer.from(text) }
  }
  const refusing = tablesOf(() => answer(ResponseCode.SYSTEM_ERROR, ''))
  await rejects(refusing.groups(''), { code: 'MASTER_REFUSED', message: /201 .* 1: no/ })
  await rejects(tablesOf(() => answer(0, '{')).delays(), { code: 'JSON_INVALID' })
  await rejects(tablesOf(() => answer(0, '')).offsets(false), { code: 'BODY_EMPTY' })
})
