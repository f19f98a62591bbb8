import { deepEqual, match, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { compatibilityPage } from './compatibility/page.ts'
import type { ServedCode } from './compatibility/registries.ts'
import { mainPortOnly, sendingFiles, servingFiles, testingFiles } from './compatibility/sources.ts'

const sources = new Map([
  ['packages/broker/src/broker.ts', 'const MAIN_PORT_ONLY: number[] = [RequestCode.PULL_MESSAGE]'],
  ['packages/broker/src/handlers/pull.ts', 'handler({ code: RequestCode.PULL_MESSAGE })'],
  ['packages/broker/src/handlers/other.ts', 'if (code === RequestCode.PULL_MESSAGE) stop()'],
  ['packages/broker/src/handlers/send.ts', 'for (const code of [RequestCode.SEND_MESSAGE]) x()'],
  ['packages/broker/src/handlers/send.test.ts', 'RequestCode.SEND_MESSAGE'],
  [
    'packages/broker/src/notify.ts',
    'connection.oneway(\n RequestCode.NOTIFY_CONSUMER_IDS_CHANGED)',
  ],
  ['e2e/interop/java.test.ts', '// SEND_MESSAGE'],
  ['e2e/harness/names.ts', 'SEND_MESSAGE_V2'],
])

const served = (name: 'PULL_MESSAGE' | 'SEND_MESSAGE', code: number): ServedCode => ({
  server: 'broker',
  name,
  code,
  lane: 'pull',
  permission: 'client',
})

test('the file that declares a code serves it; one that lists it does when none declares it', () => {
  const pull = servingFiles(sources, 'broker', 'PULL_MESSAGE')
  deepEqual(pull, ['packages/broker/src/handlers/pull.ts'])
  const send = servingFiles(sources, 'broker', 'SEND_MESSAGE')
  deepEqual(send, ['packages/broker/src/handlers/send.ts'])
  deepEqual(servingFiles(sources, 'namesrv', 'SEND_MESSAGE'), [])
})

test('what is sent, tested and kept to the main port is found by name', () => {
  const sending = sendingFiles(sources, 'broker', 'NOTIFY_CONSUMER_IDS_CHANGED')
  deepEqual(sending, ['packages/broker/src/notify.ts'])
  const tests = ['packages/broker/src/handlers/send.test.ts', 'e2e/interop/java.test.ts']
  deepEqual(testingFiles(sources, 'broker', 'SEND_MESSAGE'), tests)
  deepEqual(testingFiles(sources, 'broker', 'SEND_MESSAGE_V2'), [])
  deepEqual([...mainPortOnly(sources)], ['PULL_MESSAGE'])
  throws(() => mainPortOnly(new Map()), /MAIN_PORT_ONLY/)
})

test('the page has a row for what is served, what is sent and what is not yet', () => {
  const recorded = new Map([[11, ['java-5.5.0']]])
  const page = compatibilityPage({ served: [served('PULL_MESSAGE', 11)], sources, recorded })
  match(
    page,
    /\| 11 \| PULL_MESSAGE \| \[pull\.ts\]\(\S+\) \| main \| pull \| client \| - \| java-5\.5\.0 \|/,
  )
  match(page, /\| 40 \| NOTIFY_CONSUMER_IDS_CHANGED \| \[notify\.ts\]/)
  match(page, /## Not yet[\s\S]*\| 10 \| SEND_MESSAGE \|/)
})

test('a code that no handler file names is an error, not a row without a source', () => {
  const input = {
    served: [served('SEND_MESSAGE', 10)],
    sources: new Map(sources),
    recorded: new Map(),
  }
  input.sources.delete('packages/broker/src/handlers/send.ts')
  throws(() => compatibilityPage(input), /no handler file of broker names SEND_MESSAGE/)
})
