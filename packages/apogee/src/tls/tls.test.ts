import { equal, match, rejects } from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { ResponseCode } from '@apogee/protocol'
import { ApogeeProcess, testFolder } from '../testing/apogee-process.ts'
import { RawClient } from '../testing/raw-client.ts'
import { selfSignedIdentity } from './self-signed.ts'

const UNVERIFIED = { rejectUnauthorized: false }

/** A certificate and its key as files; `renew` puts another pair there. */
function identityFiles(folder: string): { cert: string; key: string; renew: () => string } {
  const cert = join(folder, 'cert.pem')
  const key = join(folder, 'key.pem')
  const renew = (): string => {
    const made = selfSignedIdentity()
    writeFileSync(cert, made.cert)
    writeFileSync(key, made.key)
    return new X509Certificate(made.cert).fingerprint256
  }
  return { cert, key, renew }
}

/** Fingerprint of the certificate that the server shows. */
function shown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ...UNVERIFIED }, () => {
      resolve(socket.getPeerCertificate().fingerprint256)
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

test('permissive: one port serves both kinds; a renewed certificate is taken, a bad one is not', async (t) => {
  const files = identityFiles(testFolder(t))
  const first = files.renew()
  const store = join(testFolder(t), 'store')
  const run = await ApogeeProcess.serve(t, [
    'start',
    '--port',
    '0',
    '--namesrv-port',
    '0',
    '--store',
    store,
    '--tls-cert',
    files.cert,
    '--tls-key',
    files.key,
  ])
  const address = `127.0.0.1:${run.ports.broker}`
  const [plain, encrypted] = [new RawClient(), new RawClient(UNVERIFIED)]
  equal((await plain.send(address, 'orders', 'plain')).code, ResponseCode.SUCCESS)
  equal((await encrypted.send(address, 'orders', 'encrypted')).code, ResponseCode.SUCCESS)
  for (const port of [run.ports.namesrv, run.ports.broker, run.ports.fast]) {
    equal(await shown(port!), first)
  }

  const second = files.renew()
  run.kill('SIGHUP')
  await run.event('tls_identity_reloaded')
  equal(await shown(run.ports.broker!), second)
  writeFileSync(files.key, 'no key')
  run.kill('SIGHUP')
  await run.event('tls_identity_bad')
  equal(await shown(run.ports.broker!), second)
  // A connection made with the first certificate is still good.
  equal((await encrypted.send(address, 'orders', 'still')).code, ResponseCode.SUCCESS)
  await Promise.all([plain.close(), encrypted.close()])
})

test('enforcing: plain connections are closed, our own broker finds its NameServer', async (t) => {
  const store = join(testFolder(t), 'store')
  const args = ['start', '--port', '0', '--namesrv-port', '0', '--store', store]
  const run = await ApogeeProcess.serve(t, [...args, '--tls-mode', 'enforcing'])
  await run.event('registered')
  const address = `127.0.0.1:${run.ports.broker}`
  const [plain, encrypted] = [new RawClient(), new RawClient(UNVERIFIED)]
  await rejects(plain.send(address, 'orders', 'plain'), { code: 'REMOTING_CLOSED' })
  equal((await encrypted.send(address, 'orders', 'encrypted')).code, ResponseCode.SUCCESS)
  await Promise.all([plain.close(), encrypted.close()])
})

test('clients without a certificate of the authority are refused; a broker with one is taken', async (t) => {
  const server = identityFiles(testFolder(t))
  const client = identityFiles(testFolder(t))
  server.renew()
  client.renew()
  const tlsFlags = ['--tls-cert', server.cert, '--tls-key', server.key, '--tls-ca', client.cert]
  const mode = ['--tls-mode', 'enforcing']
  const namesrv = await ApogeeProcess.serve(t, ['namesrv', '--port', '0', ...tlsFlags, ...mode])
  const address = `127.0.0.1:${namesrv.ports.namesrv}`
  const stranger = new RawClient(UNVERIFIED)
  await rejects(stranger.route(address, 'orders'), { code: 'REMOTING_CLOSED' })

  const folder = testFolder(t)
  const tlsConfig = join(folder, 'tls.properties')
  const clientKeys = `tls.client.certPath=${client.cert}\ntls.client.keyPath=${client.key}\n`
  writeFileSync(tlsConfig, `tls.enable=true\n${clientKeys}`)
  const broker = await ApogeeProcess.serve(t, [
    'broker',
    '--port',
    '0',
    '-n',
    address,
    '--store',
    join(folder, 'store'),
    '--tls-config',
    tlsConfig,
  ])
  match(String((await broker.event('registered'))['nameServer']), /^127\.0\.0\.1:/)
  await stranger.close()
})
