import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { tlsIdentityFromFiles } from './mod.ts'
import { diskWith, pem } from './test-files.ts'
import { recordingLogger } from './test-support.ts'

const paths = { key: '/tls/key.pem', cert: '/tls/cert.pem' }

function filesOf(name: string): Map<string, string> {
  return new Map([
    [paths.key, pem(`${name}-key`)],
    [paths.cert, pem(`${name}-cert`)],
  ])
}

test('a new identity is taken when it is good; the old object stays while nothing changed', () => {
  const files = filesOf('first')
  const log = recordingLogger()
  const identity = tlsIdentityFromFiles(paths, { disk: diskWith(files), log })
  const first = identity.current()
  equal(first.cert, pem('first-cert'))
  equal(identity.reload(), false)
  equal(identity.current(), first)
  for (const [path, text] of filesOf('second')) files.set(path, text)
  equal(identity.reload(), true)
  equal(identity.current().key, pem('second-key'))
  equal(log.events.at(-1)!['event'], 'tls_identity_reloaded')
})

test('a bad new identity is logged, and the old one stays', () => {
  const files = filesOf('first')
  const log = recordingLogger()
  const identity = tlsIdentityFromFiles(paths, { disk: diskWith(files), log })
  const first = identity.current()
  const half: [string, string][] = [
    [paths.cert, pem('second-cert')],
    [paths.key, 'no key'],
    [paths.cert, pem('first-cert').slice(0, 100)],
    [paths.cert, 'x'.repeat(2 << 20)],
  ]
  for (const [path, text] of half) {
    for (const [good, goodText] of filesOf('first')) files.set(good, goodText)
    files.set(path, text)
    equal(identity.reload(), false)
    equal(identity.current(), first)
    equal(log.events.pop()!['event'], 'tls_identity_bad')
  }
  files.delete(paths.cert)
  equal(identity.reload(), false)
  equal(log.events.length, 1)
})

test('at the start, unreadable files and a key of another certificate are coded errors', () => {
  const log = recordingLogger()
  const disk = diskWith(new Map([...filesOf('first'), ['/tls/other.pem', pem('second-cert')]]))
  throws(() => tlsIdentityFromFiles({ ...paths, cert: '/none' }, { disk, log }), {
    code: 'TLS_FILE_UNREADABLE',
  })
  throws(() => tlsIdentityFromFiles({ ...paths, cert: '/tls/other.pem' }, { disk, log }), {
    code: 'TLS_IDENTITY_INVALID',
  })
  throws(() => tlsIdentityFromFiles({ ...paths, ca: paths.key }, { disk, log }), {
    code: 'TLS_IDENTITY_INVALID',
  })
})
