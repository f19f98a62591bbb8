import { deepEqual, equal, match } from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { testFolder } from '../../testing/apogee-process.ts'
import { type CliOptions, type CliResult, runCli } from '../testing/run-cli.ts'

/** Runs `apogee context …` with a configuration folder that stays for the test. */
function contexts(
  t: TestContext,
): (words: readonly string[], options?: CliOptions) => Promise<CliResult> {
  const folder = testFolder(t)
  return (words, options = {}) =>
    runCli(['context', ...words], {
      ...options,
      environment: { XDG_CONFIG_HOME: folder, ...options.environment },
    })
}

test('the first context is used at once; another by `use`; both are listed', async (t) => {
  const run = contexts(t)
  match((await run(['add', 'dev', '-n', '127.0.0.1'])).out, /context dev added and in use/)
  equal(
    (await run(['add', 'prod', '-n', 'ns1:9876;ns2:9876', '--description', 'live'])).out,
    'context prod added\n',
  )
  equal((await run(['use', 'prod'])).code, 0)
  const { out } = await run(['list'])
  match(out, /^NAME {2}IN USE {2}NAMESERVERS/)
  match(out, /\nprod {2}\* +ns1:9876;ns2:9876 +- +no +live\n/)
  equal((await run(['list', '-o', 'name'])).out, 'dev\nprod\n')
  const json = JSON.parse((await run(['show', '-o', 'json'])).out) as Record<string, unknown>
  deepEqual([json['name'], json['nameservers']], ['prod', ['ns1:9876', 'ns2:9876']])
})

test('a secret key is read from a file or the input, never shown unasked, never readable by others', async (t) => {
  const run = contexts(t)
  const folder = testFolder(t)
  writeFileSync(join(folder, 'secret'), 'very secret\n')
  const added = await run([
    'add',
    'a',
    '-n',
    'x:1',
    '--access-key',
    'app',
    '--secret-key-file',
    join(folder, 'secret'),
  ])
  equal(added.code, 0)
  const piped = await run(
    ['add', 'b', '-n', 'x:1', '--access-key', 'app', '--secret-key-file', '-'],
    { input: 'piped\n' },
  )
  equal(piped.code, 0)
  equal((await run(['show', 'a'])).out.includes('very secret'), false)
  match((await run(['show', 'a', '--show-secrets'])).out, /very secret/)
  match((await run(['show', 'b', '--show-secrets'])).out, /piped/)
  const file = /file +(\S+)/.exec((await run(['show', 'a'])).out)![1]!
  equal(statSync(file).mode & 0o777, 0o600)
})

test('what cannot work is refused when it is added', async (t) => {
  const run = contexts(t)
  const wrong: [string[], number][] = [
    [['add', 'a b', '-n', 'x:1'], 2],
    [['add', 'a', '-n', 'http://x'], 3],
    [['add', 'a', '-n', 'x:1', '--tls-ca', '/there/is/none'], 3],
    [['add', 'a', '-n', 'x:1', '--tls-cert', 'c.pem'], 2],
    [['add', 'a', '-n', 'x:1', '--access-key', 'k'], 2],
    [['add', 'a', '-n', 'x:1', '--secret-key-file', 'f'], 2],
  ]
  for (const [words, code] of wrong) equal((await run(words)).code, code, words.join(' '))
  equal((await run(['list', '-o', 'name'])).out, '')
})

test('a name is taken once, unless it is to be replaced', async (t) => {
  const run = contexts(t)
  await run(['add', 'a', '-n', 'x:1'])
  const again = await run(['add', 'a', '-n', 'y:1'])
  equal(again.code, 2)
  match(again.err, /\[CONTEXT_EXISTS\]\n {2}hint: --replace/)
  equal((await run(['add', 'a', '-n', 'y:1', '--replace'])).code, 0)
  match((await run(['show', 'a'])).out, /y:1/)
})

test('what is removed is gone, and no longer in use', async (t) => {
  const run = contexts(t)
  await run(['add', 'a', '-n', 'x:1'])
  match((await run(['remove', 'a'])).out, /none is in use now/)
  const gone = await run(['use', 'a'])
  equal(gone.code, 3)
  match(gone.err, /\[CONTEXT_NOT_FOUND\]/)
  equal((await run(['show'])).code, 3)
})

test('an environment that wins over the context is told', async (t) => {
  const run = contexts(t)
  await run(['add', 'a', '-n', 'x:1'])
  const { err } = await run(['use', 'a'], { environment: { NAMESRV_ADDR: 'y:1' } })
  match(err, /NAMESRV_ADDR=y:1 is set and wins/)
})
