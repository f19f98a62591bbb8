import { deepEqual, equal, throws } from 'node:assert/strict'
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { testFolder } from '../../testing/apogee-process.ts'
import {
  contextFilePath,
  isContextName,
  isOpenToOthers,
  loadContexts,
  saveContexts,
} from './context-file.ts'

const PROD = {
  nameservers: ['ns1:9876'],
  accessKey: 'app',
  secretKey: 'secret',
  tls: { ca: '/ca.pem', verify: false },
}

test('contexts are what they were, and only their owner can read them', (t) => {
  const path = join(testFolder(t), 'apogee', 'contexts.json')
  deepEqual(loadContexts(path), { current: null, contexts: {} })
  saveContexts(path, { current: 'prod', contexts: { prod: PROD } })
  deepEqual(loadContexts(path), { current: 'prod', contexts: { prod: PROD } })
  equal(statSync(path).mode & 0o777, 0o600)
  equal(isOpenToOthers(path), false)
  deepEqual(readdirSync(dirname(path)), ['contexts.json'])
})

test('a file that others could read is closed by the next write', (t) => {
  const path = join(testFolder(t), 'contexts.json')
  writeFileSync(path, '{"contexts":{}}')
  chmodSync(path, 0o644)
  equal(isOpenToOthers(path), true)
  saveContexts(path, { current: null, contexts: {} })
  equal(isOpenToOthers(path), false)
})

test('a damaged file is told with its path, and never taken for an empty one', (t) => {
  const path = join(testFolder(t), 'contexts.json')
  const damaged = [
    '{"contexts":',
    '[]',
    '{}',
    '{"contexts":{"a":{"nameservers":"x"}}}',
    '{"contexts":{"a":{"nameservers":["x"],"secretKey":5}}}',
    '{"contexts":{"a":{"nameservers":["x"],"tls":{"verify":"no"}}}}',
  ]
  for (const text of damaged) {
    writeFileSync(path, text)
    throws(
      () => loadContexts(path),
      { code: 'CONTEXT_FILE', message: new RegExp(`^${path}: `) },
      text,
    )
  }
})

test('a current context that is gone is none', (t) => {
  const path = join(testFolder(t), 'contexts.json')
  writeFileSync(path, '{"current":"gone","contexts":{"a":{"nameservers":["x:1"]}}}')
  equal(loadContexts(path).current, null)
})

test('the file is where the system keeps such files', () => {
  equal(contextFilePath({ XDG_CONFIG_HOME: '/x' }, 'linux'), '/x/apogee/contexts.json')
  equal(contextFilePath({ HOME: '/home/me' }, 'linux'), '/home/me/.config/apogee/contexts.json')
  equal(contextFilePath({ APPDATA: '/roam', HOME: '/h' }, 'win32'), '/roam/apogee/contexts.json')
})

test('a name is safe in shells and files', () => {
  for (const name of ['prod', 'eu-1.staging', 'A_b']) equal(isContextName(name), true, name)
  for (const name of ['', '-x', 'a b', '../x', 'x'.repeat(65), 'ä'])
    equal(isContextName(name), false, name)
})
