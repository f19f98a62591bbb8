import { deepEqual, equal } from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { PlacedProblem } from '../config/placed-problem.ts'
import { testFolder } from '../testing/apogee-process.ts'
import { type TlsFlags, type TlsSettings, tlsSettings } from './tls-settings.ts'

const NO_CLIENT = { authServer: false }

function settings(
  t: TestContext,
  text: string,
  flags: TlsFlags = {},
): { tls: TlsSettings; problems: PlacedProblem[] } {
  const tlsConfig = join(testFolder(t), 'tls.properties')
  writeFileSync(tlsConfig, text)
  return tlsSettings({ tlsConfig, ...flags })
}

const codes = (problems: readonly PlacedProblem[]): string[] =>
  problems.map(({ code, key }) => `${code} ${key}`)

test("RocketMQ's file says where the certificates are, and whose clients may come", (t) => {
  const { tls, problems } = settings(
    t,
    [
      'tls.test.mode.enable=false',
      'tls.server.need.client.auth=require',
      'tls.server.keyPath=/tls/server.key',
      'tls.server.certPath=/tls/server.pem',
      'tls.server.authClient=true',
      'tls.server.trustCertPath=/tls/ca.pem',
      'tls.client.keyPath=/tls/client.key',
      'tls.client.certPath=/tls/client.pem',
      'tls.client.authServer=true',
      'tls.client.trustCertPath=/tls/ca.pem',
      'tls.enable=true',
    ].join('\n'),
  )
  deepEqual(problems, [])
  deepEqual(tls, {
    mode: 'permissive',
    server: {
      key: '/tls/server.key',
      cert: '/tls/server.pem',
      ca: '/tls/ca.pem',
      requireClientCert: true,
    },
    selfSigned: false,
    clientEnabled: true,
    client: {
      key: '/tls/client.key',
      cert: '/tls/client.pem',
      ca: '/tls/ca.pem',
      authServer: true,
    },
  })
})

test('flags win over the file; paths are relative to the working folder', (t) => {
  const text = 'tls.server.keyPath=/a\ntls.server.certPath=/b\ntls.server.mode=disabled\n'
  const flags = { tlsKey: 'k.pem', tlsCert: 'c.pem', tlsCa: '/ca', tlsMode: 'enforcing' }
  const { tls } = settings(t, text, flags)
  equal(tls.mode, 'enforcing')
  deepEqual(tls.server, {
    key: resolve('k.pem'),
    cert: resolve('c.pem'),
    ca: '/ca',
    requireClientCert: true,
  })
})

test('without a certificate TLS is off, unless a mode is asked for: then one is made up', (t) => {
  deepEqual(settings(t, '').tls, {
    mode: 'disabled',
    server: null,
    selfSigned: false,
    clientEnabled: false,
    client: NO_CLIENT,
  })
  const asked = settings(t, '', { tlsMode: 'permissive' })
  deepEqual([asked.tls.selfSigned, asked.problems], [true, []])
  const forbidden = settings(t, 'tls.test.mode.enable=false', { tlsMode: 'enforcing' })
  deepEqual(codes(forbidden.problems), ['CONFIG_BAD_VALUE tls.server.mode'])
})

test('half an identity, values of no type, passwords and unknown keys are problems', (t) => {
  const text = [
    'tls.server.keyPath=/only',
    'tls.client.certPath=/only',
    'tls.enable=maybe',
    'tls.server.need.client.auth=always',
    'tls.client.keyPassword=secret',
    'tls.server.certpath=/x',
  ].join('\n')
  const { problems } = settings(t, text)
  deepEqual(codes(problems), [
    'CONFIG_BAD_VALUE tls.enable',
    'CONFIG_BAD_VALUE tls.server.need.client.auth',
    'CONFIG_BAD_VALUE tls.client.keyPassword',
    'CONFIG_UNKNOWN_KEY tls.server.certpath',
    'CONFIG_BAD_VALUE tls.server.keyPath',
    'CONFIG_BAD_VALUE tls.client.certPath',
  ])
  equal(problems[2]?.value, '***')
  equal(problems[3]?.suggestion, 'tls.server.certPath')
  const requires = settings(t, 'tls.server.need.client.auth=require', {
    tlsCert: '/c',
    tlsKey: '/k',
  })
  deepEqual(codes(requires.problems), ['CONFIG_BAD_VALUE tls.server.need.client.auth'])
})
