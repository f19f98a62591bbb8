// The command line in a real terminal, as a new user would try it.
import { equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type CliTarget, startCliTarget } from './cli-target.ts'
import { Terminal } from './terminal.ts'

const ESCAPE = '\u001b'
let target: CliTarget
let terminal: Terminal
before(async () => {
  target = await startCliTarget()
  terminal = await Terminal.open(target.environment)
})
after(async () => {
  await terminal?.close()
  await target?.stop()
})

test('the first hour: make a topic, send, look, consume, see that nothing waits', async () => {
  equal((await terminal.command('apogee topic create first')).code, 0)
  const sent = await terminal.command('apogee send first "hello world" --tag greeting --key k1')
  equal(sent.code, 0)
  match(sent.screen, /^SEND_OK broker-a\/\d:0 [0-9A-F]{32}$/m)
  const tailed = await terminal.command('apogee tail first --from first --no-follow')
  match(tailed.screen, /^\d\d:\d\d:\d\d\.\d{3} broker-a\/\d:0 #greeting k1 hello world$/m)
  const consumed = await terminal.command(
    'apogee consume first --group readers --from first --max 1 --timeout 20s',
  )
  equal(consumed.code, 0)
  match((await terminal.command('apogee group lag readers')).screen, /lag in all: 0/)
})

test('colours are on a terminal, and NO_COLOR takes them away', async () => {
  await terminal.type('apogee topic list; echo done')
  await terminal.waitFor(/^done$/m)
  ok((await terminal.screen(true)).includes(`${ESCAPE}[1mTOPIC`))
  await terminal.finishedIdle()
  await terminal.type('NO_COLOR=1 apogee topic list; echo done')
  await terminal.waitFor(/^done$/m)
  equal((await terminal.screen(true)).includes(ESCAPE), false)
  await terminal.finishedIdle()
})

test('a tail waits; what is sent meanwhile appears; Ctrl-C ends it with 0', async () => {
  await terminal.begin('apogee tail first')
  let number = 0
  const seen = async (): Promise<boolean> => /live-\d/.test(await terminal.screen())
  while (!(await seen()) && number < 30) await target.run(['send', 'first', `live-${number++}`])
  await terminal.key('C-c')
  const { code, screen } = await terminal.finished()
  equal(code, 0)
  equal(/apogee:|Error|at .*\.ts/.test(screen), false, screen)
})

test('Ctrl-C ends a consumer with 0 once it has left its group', async () => {
  await terminal.begin('apogee consume first --group leaving --from first')
  await terminal.waitFor(/hello world/)
  await terminal.key('C-c')
  equal((await terminal.finished()).code, 0)
  match((await target.run(['group', 'lag', 'leaving'])).stderr, /lag in all: 0/)
})

test('what would be lost is asked for by name; no means no, yes means yes', async () => {
  equal((await target.run(['topic', 'create', 'doomed'])).code, 0)
  await terminal.begin('apogee topic delete doomed')
  await terminal.waitFor(/Every message of doomed.*\n.*Go on\?/)
  await terminal.key('n')
  const refused = await terminal.finished()
  equal(refused.code, 1)
  match(refused.screen, /nothing was done \[CLI_NOT_CONFIRMED\]/)
  await terminal.begin('apogee topic delete doomed')
  await terminal.waitFor(/Go on\?/)
  await terminal.key('C-c')
  equal((await terminal.finished()).code, 130)
  match((await target.run(['topic', 'list', '-o', 'name'])).stdout, /^doomed$/m)
  await terminal.begin('apogee topic delete doomed')
  await terminal.waitFor(/Go on\?/)
  await terminal.key('y')
  equal((await terminal.finished()).code, 0)
  equal((await target.run(['topic', 'list', '-o', 'name'])).stdout.includes('doomed'), false)
})

test('bench shows how it goes on a line that is gone at the end', async () => {
  await terminal.begin('apogee bench produce --topic first --duration 3s --in-flight 4')
  await terminal.waitFor(/[\d,]+ messages\/s, [\d,]+ in all, p99/)
  const { code, screen } = await terminal.finished()
  equal(code, 0)
  equal(screen.includes(' in all'), false, screen)
  match(screen, /sent in 3\.\d\d s: [\d,]+ messages\/s/)
  match(screen, /p99\.9 +[\d.]+ ms/)
})

test('watching shows one screen again and again, until Ctrl-C', async () => {
  await terminal.begin('apogee topic list --watch 1')
  await terminal.waitFor(/^TOPIC/m)
  equal((await target.run(['topic', 'create', 'appears'])).code, 0)
  const screen = await terminal.waitFor(/^appears/m)
  equal(screen.split('\n').filter((line) => line.startsWith('TOPIC')).length, 1)
  await terminal.key('C-c')
  equal((await terminal.finished()).code, 0)
})

test('long lines give way on a narrow terminal', async () => {
  const narrow = await Terminal.open(target.environment, { columns: 50, rows: 40 })
  try {
    const { screen } = await narrow.command('apogee topic list --internal')
    const rows = screen.split('\n').filter((line) => /^(TOPIC|RMQ_SYS)/.test(line))
    ok(rows.length >= 2 && rows.every((line) => line.length <= 50), screen)
    match(screen, /…/)
  } finally {
    await narrow.close()
  }
})

test('a secret key is typed unseen', async () => {
  await terminal.begin('apogee context add mine -n 127.0.0.1 --access-key app')
  await terminal.waitFor(/Secret key/)
  await terminal.type('very-secret')
  const { code, screen } = await terminal.finished()
  equal(code, 0)
  equal(screen.includes('very-secret'), false)
  match((await target.run(['context', 'show', 'mine', '--show-secrets'])).stdout, /very-secret/)
})

test('Tab completes commands and topics in bash', async () => {
  await terminal.type('source <(apogee completion bash); clear')
  await terminal.waitFor(/^apogee-e2e>\s*$/)
  await terminal.key('apogee tai')
  await terminal.key('Tab')
  await terminal.waitFor(/apogee tail/)
  await terminal.key(' appea')
  await terminal.key('Tab')
  await terminal.waitFor(/apogee tail\s+appears/)
  await terminal.key('C-c')
})
