import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Disk } from '@apogee/env'
import { simEnv } from '@apogee/env/sim'
import { ErrorCode, RocketMQError } from '../api/errors.ts'
import { TestLog } from '../testing/consumer-world.ts'
import { FileOffsetStore } from './file-offset-store.ts'

const FOLDER = '/home/.rocketmq_offsets/10.0.0.1@1/G'
const PATH = `${FOLDER}/offsets.json`
const QUEUE = { topic: 'T', brokerName: 'b', queueId: 0 }
const OTHER = { topic: 'T', brokerName: 'b', queueId: 1 }
/** As Java's LocalFileOffsetStore writes it. */
const JAVA = `{
	"offsetTable":{{
			"brokerName":"b",
			"queueId":0,
			"topic":"T"
		}:42
	}
}`

function write(disk: Disk, path: string, text: string): void {
  disk.remove(path)
  const file = disk.open(path, { create: true })
  file.writeNow(Buffer.from(text), 0)
  file.close()
}

function opened(disk: Disk, log = new TestLog()): FileOffsetStore {
  const store = new FileOffsetStore(disk, log, FOLDER)
  store.load()
  return store
}

test("Java's file is read, and what is written is read again", async () => {
  const { disk } = simEnv(1)
  write(disk, PATH, JAVA)
  const store = opened(disk)
  assert.equal(await store.read(QUEUE), 42)
  assert.equal(await store.read(OTHER), null)
  await store.persistNow([{ queue: OTHER, offset: 7 }])
  const again = opened(disk)
  assert.deepEqual([await again.read(QUEUE), await again.read(OTHER)], [42, 7])
})

test('a damaged file gives way to the one before; without that nothing is guessed', async () => {
  const { disk } = simEnv(2)
  const store = opened(disk)
  store.persist([{ queue: QUEUE, offset: 1 }])
  store.persist([{ queue: QUEUE, offset: 2 }])
  write(disk, PATH, '{"offsetTable":{{"brok')
  const log = new TestLog()
  assert.equal(await opened(disk, log).read(QUEUE), 1)
  assert.equal(log.count('offsets_unreadable'), 1)
  write(disk, `${PATH}.bak`, 'nonsense')
  assert.throws(() => opened(disk), hasCode(ErrorCode.OFFSET_STORE))
})

test('a disk that takes nothing is told: by the log in passing, by an error at the end', async () => {
  const { disk } = simEnv(3)
  const log = new TestLog()
  const store = opened(disk, log)
  disk.faults.failWhen((call) => call.kind === 'write', { code: 'ENOSPC' })
  assert.deepEqual(store.persist([{ queue: QUEUE, offset: 1 }]), [])
  assert.equal(log.count('offsets_not_written'), 1)
  const failed = store.persistNow([{ queue: QUEUE, offset: 1 }])
  await assert.rejects(failed, hasCode(ErrorCode.OFFSET_STORE))
})

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof RocketMQError && error.code === code
}
