import { equal, match, ok } from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { RequestCode, ResponseCode } from '@apogee/protocol'
import { ApogeeProcess, testFolder } from '../testing/apogee-process.ts'
import { RawClient } from '../testing/raw-client.ts'

const CONF = '# ours\nbrokerName = broker-x\n\nfileReservedTime = 48\n# the end\n'

test("a broker's changes go into its file, nothing else does, and HUP reads it again", async (t) => {
  const folder = testFolder(t)
  const conf = join(folder, 'broker.conf')
  writeFileSync(conf, CONF, { mode: 0o640 })
  const store = join(folder, 'store')
  const run = await ApogeeProcess.serve(t, ['broker', '--port', '0', '-c', conf, '--store', store])
  const address = `127.0.0.1:${run.ports.broker}`
  const client = new RawClient()
  const update = (text: string): Promise<{ code: number; remark: string | null }> =>
    client.update(address, RequestCode.UPDATE_BROKER_CONFIG, text)

  equal((await update('fileReservedTime=24\ntraceOn=false\n')).code, ResponseCode.SUCCESS)
  const changed = CONF.replace('fileReservedTime = 48', 'fileReservedTime=24')
  equal(readFileSync(conf, 'utf8'), `${changed}traceOn=false\n`)
  equal(statSync(conf).mode & 0o777, 0o640)

  for (const text of ['storePathRootDir=/etc', 'bindAddress=0.0.0.0', 'brokerName=y', 'nosuch=1']) {
    const refused = await update(`fileReservedTime=1\n${text}\n`)
    ok(refused.code !== ResponseCode.SUCCESS, text)
  }
  // A line break inside a value must not become a key at the next start.
  await update('deleteWhen=04\\nstorePathRootDir=/etc\n')
  ok(!/^storePathRootDir/m.test(readFileSync(conf, 'utf8')))
  equal((await update('deleteWhen=05\n')).code, ResponseCode.SUCCESS)

  writeFileSync(
    conf,
    readFileSync(conf, 'utf8').replace('fileReservedTime=24', 'fileReservedTime=12'),
  )
  run.kill('SIGHUP')
  await run.event('config_reloaded')
  match(await client.config(address, RequestCode.GET_BROKER_CONFIG), /^fileReservedTime=12$/m)
  writeFileSync(conf, 'fileReservedTime=no\n')
  run.kill('SIGHUP')
  await run.event('config_reload_failed')
  match(await client.config(address, RequestCode.GET_BROKER_CONFIG), /^fileReservedTime=12$/m)
  await client.close()
})

test("a NameServer's changes go into its file, and HUP reads it again", async (t) => {
  const conf = join(testFolder(t), 'namesrv.conf')
  writeFileSync(conf, '# ours\nenableTopicList=true\n', { mode: 0o640 })
  const run = await ApogeeProcess.serve(t, ['namesrv', '--port', '0', '-c', conf])
  const address = `127.0.0.1:${run.ports.namesrv}`
  const client = new RawClient()
  const code = RequestCode.UPDATE_NAMESRV_CONFIG
  const taken = await client.update(address, code, 'enableTopicList=false\n')
  equal(taken.code, ResponseCode.SUCCESS)
  equal(readFileSync(conf, 'utf8'), '# ours\nenableTopicList=false\n')
  equal(statSync(conf).mode & 0o777, 0o640)
  const refused = await client.update(address, code, 'kvConfigPath=/etc/passwd\n')
  equal(refused.code, ResponseCode.NO_PERMISSION)

  writeFileSync(conf, 'enableTopicList=false\nwaitSecondsForService=7\n')
  run.kill('SIGHUP')
  await run.event('config_reloaded')
  match(await client.config(address, RequestCode.GET_NAMESRV_CONFIG), /^waitSecondsForService=7$/m)
  await client.close()
})
