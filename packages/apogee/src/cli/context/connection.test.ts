import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { readNameservers, resolveConnection } from './connection.ts'
import type { Contexts } from './context-file.ts'

const FILE: Contexts = {
  current: 'dev',
  contexts: {
    dev: { nameservers: ['dev:9876'], accessKey: 'dev-key', secretKey: 'dev-secret' },
    prod: {
      nameservers: ['ns1:9876', 'ns2:9876'],
      accessKey: 'app',
      secretKey: 's',
      securityToken: 't',
      namespace: 'n',
    },
  },
}
const load = (): Contexts => FILE
const none = (): Contexts => ({ current: null, contexts: {} })

test('flag, then environment, then context, then the default', () => {
  const environment = { NAMESRV_ADDR: 'env:1' }
  const flag = resolveConnection({ namesrvAddr: 'flag:2' }, environment, load)
  deepEqual([flag.nameservers, flag.source], [['flag:2'], 'flag'])
  const env = resolveConnection({}, environment, load)
  deepEqual([env.nameservers, env.source], [['env:1'], 'environment'])
  const context = resolveConnection({}, {}, load)
  deepEqual(
    [context.nameservers, context.source, context.context],
    [['dev:9876'], 'context', 'dev'],
  )
  const fallback = resolveConnection({}, {}, none)
  deepEqual([fallback.nameservers, fallback.source], [['127.0.0.1:9876'], 'default'])
})

test('--context wins over the environment, APOGEE_CONTEXT over the one in use', () => {
  deepEqual(resolveConnection({ context: 'prod' }, { NAMESRV_ADDR: 'env:1' }, load).nameservers, [
    'ns1:9876',
    'ns2:9876',
  ])
  equal(resolveConnection({}, { APOGEE_CONTEXT: 'prod' }, load).context, 'prod')
})

test('keys of a context that nobody named go to no other NameServers', () => {
  equal(resolveConnection({ namesrvAddr: 'other:1' }, {}, load).credentials, null)
  equal(resolveConnection({}, { NAMESRV_ADDR: 'other:1' }, load).credentials, null)
  deepEqual(resolveConnection({ context: 'prod', namesrvAddr: 'other:1' }, {}, load).credentials, {
    accessKey: 'app',
    secretKey: 's',
    securityToken: 't',
  })
})

test('keys of the environment win, and come in pairs', () => {
  const keys = { APOGEE_ACCESS_KEY: 'a', APOGEE_SECRET_KEY: 'b' }
  deepEqual(resolveConnection({}, keys, load).credentials, { accessKey: 'a', secretKey: 'b' })
  throws(() => resolveConnection({}, { APOGEE_ACCESS_KEY: 'a' }, load), {
    code: 'CONNECTION_INVALID',
  })
})

test('a context that there is not is refused, and the one that was meant is named', () => {
  throws(() => resolveConnection({ context: 'prd' }, {}, load), {
    code: 'CONTEXT_NOT_FOUND',
    hint: 'did you mean prod?',
    exitCode: 3,
  })
  throws(() => resolveConnection({ context: 'constructor' }, {}, load), {
    code: 'CONTEXT_NOT_FOUND',
  })
})

test('addresses may lack the port, be several, or be IPv6', () => {
  deepEqual(readNameservers('a;b:1, c:2 ;[::1]:3;a:9876'), ['a:9876', 'b:1', 'c:2', '[::1]:3'])
  for (const text of ['', ';', 'a:0', 'a:65536', 'http://a:1', 'a:b', '::1']) {
    throws(() => readNameservers(text), { code: 'CONNECTION_INVALID' }, text)
  }
})
