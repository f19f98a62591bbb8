// The command line in scripts: piped, JSON by its schemas, exit codes, signals, readers that go away.
import { deepEqual, equal, match } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startApogeeProcess } from '../harness/apogee.ts'
import { rootFolder } from '../harness/builds.ts'
import { temporaryFolder } from '../harness/processes.ts'
import { bin, type CliTarget, startCliTarget } from './cli-target.ts'
import { schemaProblems } from './json-schema.ts'

const ESCAPE = '\u001b'
/** Nobody listens there. */
const NOBODY = '127.0.0.1:1'

let target: CliTarget
before(async () => {
  target = await startCliTarget()
  for (const topic of ['piped', 'copied', 'counted', 'cut']) {
    equal((await target.run(['topic', 'create', topic])).code, 0)
  }
})
after(() => target?.stop())

function valid(schema: string, text: string): unknown {
  const value: unknown = JSON.parse(text)
  deepEqual(schemaProblems(schema, value), [], text.slice(0, 400))
  return value
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

/** A line of a shell with the program in `$APOGEE`: its exit codes, one for each part of the pipe. */
function shell(line: string): Promise<{ stdout: string; stderr: string; codes: string }> {
  const env = { ...process.env, ...target.environment, APOGEE: `${process.execPath} ${bin}` }
  const script = `${line}\necho "codes:\${PIPESTATUS[*]}" >&2`
  return new Promise((resolve) => {
    execFile(
      'bash',
      ['-c', script],
      { env, timeout: 60_000, maxBuffer: 1 << 28 },
      (_error, stdout, stderr) => {
        const codes = /codes:(.*)\n$/.exec(stderr)?.[1] ?? 'none'
        resolve({ stdout, stderr: stderr.replace(/codes:.*\n$/, ''), codes })
      },
    )
  })
}

test('what is sent and read is JSON by its schema, one line each, without colours', async () => {
  const input = [
    '{"body":"text ☺","tag":"t","keys":["a"],"properties":{"n":1}}',
    '{"bodyBase64":"//4="}',
  ].join('\n')
  const sent = await target.run(['send', 'piped', '--json-lines'], { input })
  equal(sent.code, 0, sent.stderr)
  equal(lines(sent.stdout).length, 2)
  for (const line of lines(sent.stdout)) valid('send', line)
  const tailed = await target.run(['tail', 'piped', '--from', 'first', '--no-follow'])
  equal(lines(tailed.stdout).length, 2)
  for (const line of lines(tailed.stdout)) valid('message', line)
  equal(tailed.stdout.includes(ESCAPE), false)
  const consumed = await target.run([
    'consume',
    'piped',
    '--group',
    'g',
    '--from',
    'first',
    '--max',
    '2',
    '--timeout',
    '20s',
  ])
  equal(consumed.code, 0, consumed.stderr)
  for (const line of lines(consumed.stdout)) valid('message', line)
})

test('every administration command that only looks gives JSON by its schema', async () => {
  const broker = (
    valid('output', (await target.run(['cluster', 'list', '-o', 'json'])).stdout) as {
      items: { address: string }[]
    }
  ).items[0]!.address
  const commands = [
    ['topic', 'list'],
    ['topic', 'list', '--internal'],
    ['topic', 'describe', 'piped'],
    ['topic', 'route', 'piped'],
    ['topic', 'stats', 'piped'],
    ['topic', 'clusters', 'piped'],
    ['topic', 'traffic'],
    ['group', 'list'],
    ['group', 'lag', 'g'],
    ['group', 'describe', 'g'],
    ['cluster', 'list'],
    ['broker', 'status', '-b', broker],
    ['broker', 'get-config', '-b', broker],
    ['message', 'find', '-t', 'piped', '--key', 'a'],
    ['producer', 'list'],
    ['client', 'list'],
    ['namesrv', 'get-config'],
    ['admin', 'topicList'],
    ['admin', 'clusterList', '-m'],
    ['admin', 'consumerProgress', '-g', 'g'],
    ['context', 'list'],
  ]
  for (const words of commands) {
    const { code, stderr, stdout } = await target.run([...words, '-o', 'json'])
    equal(code, 0, `${words.join(' ')}: ${stderr}`)
    valid('output', stdout)
  }
})

test('measurements and the doctor are JSON by their schemas', async () => {
  const produced = await target.run([
    'bench',
    'produce',
    '--topic',
    'counted',
    '--count',
    '500',
    '-o',
    'json',
  ])
  equal((valid('bench', produced.stdout) as { messages: number }).messages, 500)
  equal(produced.stderr, '', 'no progress where there is no terminal')
  const consumed = await target.run([
    'bench',
    'consume',
    '--topic',
    'counted',
    '--from',
    'first',
    '--count',
    '500',
    '-o',
    'json',
  ])
  equal((valid('bench', consumed.stdout) as { messages: number }).messages, 500, consumed.stderr)
  const well = await target.run(['doctor', '-o', 'json'])
  equal(well.code, 0, well.stdout)
  valid('doctor', well.stdout)
  const ill = await target.run(['doctor', '-o', 'json', '-n', NOBODY])
  equal(ill.code, 1)
  equal((valid('doctor', ill.stdout) as { ok: boolean }).ok, false)
})

test('the doctor names a broker that advertises an address nobody here can reach, and what to set', async () => {
  const folder = temporaryFolder('cli-doctor')
  const { ports, running } = await startApogeeProcess(
    'start',
    [
      '--port',
      '0',
      '--namesrv-port',
      '0',
      '--http-port',
      '0',
      '--store',
      join(folder, 'store'),
      '--set',
      'brokerIP1=172.17.255.254',
    ],
    folder,
  )
  try {
    const address = `127.0.0.1:${ports.namesrv}`
    const { code, stdout } = await target.run(['doctor', '-n', address, '--timeout', '1s'])
    equal(code, 1)
    match(
      stdout,
      /^problem +broker-a\/0 172\.17\.255\.254:\d+: advertises .*, which this machine cannot reach/m,
    )
    match(
      stdout,
      /looks like an address inside a container: set brokerIP1 in the configuration of broker-a/,
    )
  } finally {
    running.kill()
    await running.exited
  }
})

test('errors have the exit code of their kind, one line, and JSON by its schema', async () => {
  const cases: [code: number, words: string[]][] = [
    [1, ['topic', 'route', 'nowhere']],
    [1, ['send', 'piped', '--file', '/there/is/none']],
    [2, ['topci', 'list']],
    [2, ['topic', 'list', '--nope']],
    [2, ['topic', 'delete', 'piped']],
    [1, ['admin', 'electMaster']],
    [2, ['send', 'no good', 'x']],
    [2, ['tail', 'piped', '--from', 'noon']],
    [3, ['topic', 'list', '--context', 'none']],
    [3, ['topic', 'list', '-n', 'http://x']],
    [3, ['context', 'use', 'none']],
    [4, ['topic', 'list', '-n', NOBODY]],
    [4, ['send', 'piped', 'x', '-n', NOBODY]],
    [4, ['consume', 'piped', '--group', 'g', '-n', NOBODY]],
    [4, ['consume', 'copied', '--group', 'late', '--max', '1', '--timeout', '300ms']],
  ]
  for (const [code, words] of cases) {
    const run = await target.run(words)
    const name = words.join(' ')
    equal(run.code, code, `${name}: ${run.stderr}`)
    match(run.stderr, /^apogee: [^\n]+ \[[A-Z][A-Z0-9_]+\]\n( {2}hint: [^\n]+\n)?$/, name)
    if (words[0] === 'context') continue
    const json = await target.run([...words, '-o', 'json'])
    equal(json.code, code, name)
    equal(lines(json.stderr).length, 1, json.stderr)
    valid('error', json.stderr)
  }
})

test('some that cannot be asked make the output a part: exit code 5, and who it was', async () => {
  const half = await target.run(['doctor', '-n', `${target.namesrvAddr};${NOBODY}`, '-o', 'json'])
  equal(half.code, 1)
  const sent = await target.run(['send', 'copied', '--json-lines', '--in-flight', '1'], {
    input: '{"body":"one"}\n{"body":"two","properties":{"UNIQ_KEY":"mine"}}\n{"body":"three"}\n',
  })
  equal(sent.code, 5, sent.stderr)
  equal(lines(sent.stdout).length, 1)
  match(sent.stderr, /\[RMQ_INVALID_ARGUMENT\][\s\S]*1 sent before that/)
})

test('a reader that goes away ends the program quietly with 0', async () => {
  equal((await target.run(['send', 'cut', 'x', '--count', '3000'])).code, 0)
  const tailed = await shell('$APOGEE tail cut --from first | head -3')
  deepEqual([lines(tailed.stdout).length, tailed.stderr, tailed.codes], [3, '', '0 0'])
  const consumed = await shell('$APOGEE consume cut --group heads --from first | head -3')
  deepEqual([lines(consumed.stdout).length, consumed.stderr, consumed.codes], [3, '', '0 0'])
  const listed = await shell('$APOGEE topic list --internal | head -1')
  equal(listed.codes, '0 0')
})

test('a slow reader loses nothing', async () => {
  const { stdout, codes } = await shell(
    '$APOGEE tail cut --from first --no-follow | (sleep 1; cat) | wc -l',
  )
  equal(stdout.trim(), '3000')
  equal(codes, '0 0 0')
})

test('SIGINT and SIGTERM end a tail and a consumer with 0', async () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    for (const words of [
      ['tail', 'cut', '--from', 'first'],
      ['consume', 'cut', '--group', signal, '--from', 'first'],
    ]) {
      const started = target.start(words)
      await started.lines(100)
      started.child.kill(signal)
      const { code, stderr } = await started.ended
      deepEqual([code, stderr], [0, ''], `${words[0]} ${signal}`)
    }
  }
})

test('an interrupted send ends with 130', async () => {
  const sending = target.start(
    ['send', 'cut', '--lines', '--sharding-key', 'k', '--count', '1000000'],
    { input: 'x\n' },
  )
  await sending.lines(10)
  sending.child.kill('SIGINT')
  equal((await sending.ended).code, 130)
})

test('mqadmin is a program of its own', async () => {
  const mqadmin = join(rootFolder, 'packages/apogee/bin/mqadmin.js')
  const list = await target.run(['topicList', '-n', target.namesrvAddr], { bin: mqadmin })
  equal(list.code, 0)
  match(list.stdout, /^piped$/m)
  match(
    (await target.run(['clusterList', '-h'], { bin: mqadmin })).stdout,
    /Usage: apogee admin clusterList/,
  )
})

test('--version and --help load neither the client nor the administration', async () => {
  const hook = `--import ${new URL('./loaded-modules.ts', import.meta.url).href}`
  for (const words of ['--version', '--help', 'send --help', 'doctor --help', 'start --help']) {
    const loaded = await shell(`NODE_OPTIONS="${hook}" $APOGEE ${words}`)
    equal(
      /packages\/(?:admin|client|broker|store)\//.test(loaded.stderr),
      false,
      `${words}: ${loaded.stderr}`,
    )
    match(loaded.stderr, /packages\/apogee\/src\/cli\/program\.ts/)
  }
})

test('every schema is used here', () => {
  const files = readdirSync(join(rootFolder, 'docs/cli')).filter((file) =>
    file.endsWith('.schema.json'),
  )
  deepEqual(
    files.sort(),
    ['bench', 'cluster', 'doctor', 'error', 'message', 'output', 'send'].map(
      (name) => `${name}.schema.json`,
    ),
  )
})
