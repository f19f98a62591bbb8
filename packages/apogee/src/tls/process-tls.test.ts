import { equal } from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Clock } from '@apogee/env'
import { nodeEnv } from '@apogee/env/node'
import { silentLogger } from '@apogee/remoting'
import { testFolder } from '../testing/apogee-process.ts'
import { ProcessTls } from './process-tls.ts'
import { selfSignedIdentity } from './self-signed.ts'

test('files are looked at every 30 s: what was renewed is used, for servers and for clients', (t) => {
  const folder = testFolder(t)
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  const renew = (): string => {
    const { cert, key } = selfSignedIdentity()
    writeFileSync(files.cert, cert)
    writeFileSync(files.key, key)
    return String(cert)
  }
  const timers: { delayMs: number; task: () => void }[] = []
  const clock: Clock = {
    ...nodeEnv().clock,
    after: (delayMs, task) => {
      timers.push({ delayMs, task })
      return { cancel: () => {} }
    },
  }
  const first = renew()
  const settings = {
    mode: 'permissive',
    server: files,
    selfSigned: false,
    clientEnabled: true,
    client: { ...files, authServer: true },
  } as const
  const { ports } = new ProcessTls(settings, { ...nodeEnv(), clock }, silentLogger)
  equal(ports.tls?.()?.cert, first)
  equal(ports.clientTls?.cert, first)
  const second = renew()
  const timer = timers.pop()!
  equal(timer.delayMs, 30_000)
  timer.task()
  equal(ports.tls?.()?.cert, second)
  equal(ports.clientTls?.cert, second)
  writeFileSync(files.cert, 'nothing')
  timers.pop()!.task()
  equal(ports.tls?.()?.cert, second)
  equal(ports.clientTls?.cert, second)
  equal(ports.clientTls?.rejectUnauthorized, true)
})
