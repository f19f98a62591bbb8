import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runToEnd, testFolder } from '../testing/apogee-process.ts'

test('every help fits 80 columns and has an example', async () => {
  for (const command of [[], ['start'], ['namesrv'], ['broker'], ['config'], ['config', 'check']]) {
    const { code, text } = await runToEnd([...command, '--help'])
    equal(code, 0)
    match(text, /Examples?:\n {2}apogee /, command.join(' '))
    for (const line of text.split('\n')) ok(line.length <= 80, `${command.join(' ')}: ${line}`)
  }
})

test('a slip of the pen is a usage error, and what was probably meant is named', async () => {
  const command = await runToEnd(['brokr'])
  equal(command.code, 2)
  match(command.text, /Did you mean broker\?/)
  const option = await runToEnd(['namesrv', '--prot', '1'])
  equal(option.code, 2)
  match(option.text, /Did you mean --port\?/)
  equal((await runToEnd(['broker', '--port', '70000'])).code, 2)
})

test('config check tells file, line, key and what was meant, and ends with 3 when it matters', async (t) => {
  const path = join(testFolder(t), 'broker.conf')
  writeFileSync(path, 'brokerName=a\n\nbrokerNmae = b\nsendMessageThreadPoolNums=4\n')
  const good = await runToEnd(['config', 'check', path])
  equal(good.code, 0)
  const unknown = 'brokerNmae=b: no such key (did you mean brokerName?) [CONFIG_UNKNOWN_KEY]'
  ok(good.text.includes(`${path}:3: warning: ${unknown}\n`), good.text)
  match(good.text, /broker\.conf:4: info: sendMessageThreadPoolNums=4: .* \[CONFIG_KEY_IGNORED\]/)
  equal((await runToEnd(['config', 'check', path, '--strict'])).code, 3)
  writeFileSync(path, 'listenPort=many\n')
  const bad = await runToEnd(['config', 'check', path])
  equal(bad.code, 3)
  match(bad.text, /:1: error: listenPort=many: must be a whole number/)
})

test('-p, -m and --print-config=json print the configuration with where it came from', async (t) => {
  const path = join(testFolder(t), 'broker.conf')
  writeFileSync(path, 'brokerName=a\n')
  const args = ['broker', '-c', path, '--port', '1234']
  const all = await runToEnd([...args, '-p'])
  ok(all.text.includes('\nlistenPort=1234\n'))
  ok(all.text.includes('\nmaxTopicLength=127\n'))
  const important = await runToEnd([...args, '-m'])
  ok(important.text.includes('\nbrokerName=a\n'))
  ok(!important.text.includes('maxTopicLength'))
  const json = await runToEnd([...args, '--print-config=json'])
  const values = JSON.parse(json.text) as Record<string, { value: string; from: string }>
  deepEqual(values['listenPort'], { value: '1234', from: '--port' })
  deepEqual(values['brokerName'], { value: 'a', from: `${path}:1` })
  equal(values['maxTopicLength']?.from, 'default')
})

test("RocketMQ's own names for the servers take RocketMQ's flags", async (t) => {
  const path = join(testFolder(t), 'broker.conf')
  writeFileSync(path, 'brokerName=a\n')
  const broker = await runToEnd(['-c', path, '-n', '10.0.0.1:9876', '-m'], 'mqbroker.js')
  equal(broker.code, 0)
  match(broker.text, /^brokerName=a$/m)
  match(broker.text, /^namesrvAddr=10\.0\.0\.1:9876$/m)
  const namesrv = await runToEnd(['-p'], 'mqnamesrv.js')
  match(namesrv.text, /^listenPort=9876$/m)
  match((await runToEnd(['-h'], 'mqnamesrv.js')).text, /run a NameServer/)
})

test('a role that is not there yet ends the start with 3 and a code, in the log too', async () => {
  const { code, log } = await runToEnd([
    'broker',
    '--set',
    'enableDLegerCommitLog=true',
    '--log-format',
    'json',
  ])
  equal(code, 3)
  ok(log.some((line) => line['code'] === 'BROKER_ROLE_UNSUPPORTED'))
})

test('a port that is taken ends the start with 1 and a code', async (t) => {
  const { ApogeeProcess } = await import('../testing/apogee-process.ts')
  const first = await ApogeeProcess.serve(t, ['namesrv', '--port', '0'])
  const second = await runToEnd(['namesrv', '--port', String(first.ports.namesrv)])
  equal(second.code, 1)
  match(second.text, /\[REMOTING_BIND_FAILED\]/)
})
