import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { adminCommands, unsupportedCommands } from '@apogee/admin'
import type { Command } from 'commander'
import { NOUNS } from './admin/nouns.ts'
import { FORMAT_HELP } from './messages/message-options.ts'
import { TEMPLATE_FIELDS } from './output/template.ts'
import { createProgram } from './program.ts'
import type { Session } from './session.ts'
import { runCli } from './testing/run-cli.ts'

/** Every command that help can show, as words. */
async function allCommands(): Promise<string[][]> {
  const session = { io: {} } as unknown as Session
  const found: string[][] = [[]]
  const visit = (command: Command, path: string[]): void => {
    for (const one of command.createHelp().visibleCommands(command)) {
      if (one.name() === 'help') continue
      found.push([...path, one.name()])
      visit(one, [...path, one.name()])
    }
  }
  visit(await createProgram([], session), [])
  for (const word of ['admin', ...Object.keys(NOUNS)]) {
    const program = await createProgram([word, 'x'], session)
    visit(program.commands.find((one) => one.name() === word)!, [word])
  }
  return found
}

test('every help fits 80 columns, ends with 0, and has an example that begins with its words', async () => {
  const commands = await allCommands()
  ok(commands.length > 140, `${commands.length} commands`)
  const tooWide: string[] = []
  for (const words of commands) {
    const { code, out } = await runCli([...words, '--help'])
    const name = words.join(' ')
    equal(code, 0, name)
    match(out, /\nExamples?:\n {2}\S/, name)
    const wide = out.split('\n').filter((line) => line.length > 80)
    if (wide.length > 0) tooWide.push(`${name}: ${wide.join(' | ')}`)
  }
  deepEqual(tooWide, [])
})

test('`help WORD` is the same as `WORD --help`', async () => {
  for (const word of ['topic', 'admin', 'broker', 'tail']) {
    const { code, out } = await runCli(['help', word])
    equal(code, 0)
    equal(out, (await runCli([word, '--help'])).out)
  }
})

test('the nouns that are known without loading the administration are those that it has', () => {
  const nouns = new Set(adminCommands.flatMap(({ path }) => (path === null ? [] : [path[0]])))
  deepEqual(Object.keys(NOUNS).sort(), [...nouns].sort())
})

test('a command that is mounted takes all its flags: none is taken twice', async () => {
  const session = { io: {} } as unknown as Session
  const admin = (await createProgram(['admin'], session)).commands.find(
    (one) => one.name() === 'admin',
  )!
  for (const command of adminCommands) {
    if (command.name === null) continue
    const mounted = admin.commands.find((one) => one.name() === command.name)
    const flags = mounted!.options
      .flatMap(({ short, long }) => [short, long])
      .filter((flag) => flag !== undefined)
    equal(new Set(flags).size, flags.length, command.name)
    for (const option of command.options) {
      ok(
        mounted!.options.some((one) => one.flags === option.flags),
        `${command.name} ${option.flags}`,
      )
    }
  }
})

test('words that do not fit end with 2 and one line that says what was meant', async () => {
  const cases: [words: string[], message: RegExp, hint: RegExp][] = [
    [['tial'], /unknown command 'tial' \(Did you mean tail\?\)/, /apogee --help/],
    [['topic', 'lsit'], /Did you mean list\?/, /apogee topic --help/],
    [['tail', 'orders', '--form', 'first'], /Did you mean --from\?/, /apogee tail --help/],
    [['tail', 'orders', '--from', 'middle'], /--from: "middle" is none of/, /./],
    [
      ['tail', 'orders', '--format', '{{bdy}}'],
      /no field \{\{bdy\}\}/,
      /did you mean \{\{body\}\}/,
    ],
    [['tail', 'orders', '--max', '0'], /not a whole number/, /apogee tail --help/],
    [['tail', 'orders', '--tag', 'a', '--sql', 'b'], /cannot be used with/, /./],
    [['send'], /missing required argument 'topic'/, /apogee send --help/],
    [['send', 'orders', 'x', '--delay-level', '19'], /not a whole number \(1 to 18\)/, /./],
    [['consume', 'orders'], /required option '--group <name>'/, /apogee consume --help/],
    [
      ['consume', 'orders', '--group', 'g', '--from', '-10'],
      /begins at first, last or a time/,
      /tail/,
    ],
    [['topic', 'list', '-o', 'xml'], /Allowed choices are table, wide, json, yaml, name/, /./],
    [['topic', 'list', '--watch', '1ms'], /--watch: at least 200 ms/, /./],
    [['topic', 'create', 'orders', '-r', 'many'], /many is not a whole number/, /./],
    [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish/, /./],
    [['context', 'add', '--x'], /missing|required|unknown/, /apogee context add --help/],
  ]
  for (const [words, message, hint] of cases) {
    const { code, err, out } = await runCli(words)
    const name = words.join(' ')
    equal(code, 2, `${name}: ${err}`)
    equal(out, '', name)
    const [first, second] = err.split('\n')
    match(first!, /^apogee: .* \[[A-Z_]+\]$/, name)
    match(first!, message, name)
    if (second !== '') match(second!, hint, name)
  }
})

test('without a command, help is what was wrong', async () => {
  for (const words of [[], ['topic'], ['admin'], ['context'], ['bench']]) {
    const { code, err } = await runCli(words)
    equal(code, 2, words.join(' '))
    match(err, /^Usage: apogee/)
  }
})

test('with -o json an error is one object on standard error', async () => {
  const usage = await runCli(['topic', 'list', '-o', 'json', '--nmae', 'x'])
  equal(usage.code, 2)
  const { error } = JSON.parse(usage.err) as { error: Record<string, string> }
  equal(error['code'], 'CLI_USAGE')
  match(error['message']!, /unknown option '--nmae'/)
  const away = await runCli([
    'topic',
    'list',
    '--output=json',
    '-n',
    '127.0.0.1:1',
    '--timeout',
    '1s',
  ])
  equal(away.code, 4)
  const report = (JSON.parse(away.err) as { error: Record<string, unknown> }).error
  equal(report['code'], 'ADMIN_NAMESRV_UNREACHABLE')
  equal(report['retriable'], true)
  equal(report['stack'], undefined)
})

test('--verbose shows the stack', async () => {
  const words = ['topic', 'list', '-n', '127.0.0.1:1', '--timeout', '1s']
  equal((await runCli(words)).err.includes('\n    at '), false)
  match((await runCli([...words, '--verbose'])).err, /\n {4}at /)
})

test('nobody there ends with 4, in every command that needs somebody', async () => {
  const commands = [
    ['topic', 'list'],
    ['admin', 'clusterList'],
    ['tail', 'orders'],
    ['send', 'orders', 'x', '--timeout', '1s'],
    ['consume', 'orders', '--group', 'g'],
    ['bench', 'produce', '--timeout', '1s'],
  ]
  for (const words of commands) {
    const { code, err } = await runCli([...words, '-n', '127.0.0.1:1'])
    equal(code, 4, `${words.join(' ')}: ${err}`)
    match(err, /^apogee: .* \[[A-Z_]+UNREACHABLE\]\n {2}hint: /, words.join(' '))
  }
})

test('every command of mqadmin that there is not says why', async () => {
  for (const { name, reason } of unsupportedCommands) {
    const { code, err } = await runCli(['admin', name, '-n', 'x', '--anything', 'y'])
    equal(code, 1, name)
    ok(err.includes(`mqadmin's ${name} is not supported: ${reason} [CLI_NOT_SUPPORTED]`), err)
  }
})

test('the version is that of the package', async () => {
  const { code, out } = await runCli(['--version'])
  equal(code, 0)
  match(out, /^\d+\.\d+\.\d+\n$/)
})

const PAGE = readFileSync(new URL('../../../../docs/cli.md', import.meta.url), 'utf8')

test('the page about the command line names no command or option that there is not', async () => {
  const session = { io: {} } as unknown as Session
  const calls = [...PAGE.matchAll(/(?:^ {4}|\| |\(|`)apogee ([a-z][^|&`)\n]*)/gm)].map(
    ([, words]) => words!,
  )
  ok(calls.length > 30, `${calls.length} calls`)
  for (const call of calls) {
    const words = call
      .replace(/'[^']*'|"[^"]*"| +#.*| {6}.*/g, ' x')
      .trim()
      .split(/\s+/)
    let command = await createProgram(words, session)
    for (const word of words) {
      const next = command.commands.find((one) => one.name() === word)
      if (next === undefined) {
        ok(command.commands.length === 0 || /^[-&]/.test(word), call)
        break
      }
      command = next
    }
    ok(command.parent !== null, call)
    for (const flag of words.filter((word) => word.startsWith('--') && word.length > 2)) {
      ok(
        command.options.some(({ long }) => long === flag),
        `${call}: ${flag}`,
      )
    }
  }
})

test('every field of a template is in the help and on the page', () => {
  for (const field of Object.keys(TEMPLATE_FIELDS)) {
    ok(FORMAT_HELP.includes(`{{${field}}}`), field)
    ok(PAGE.includes(`\`${field}\``), field)
  }
})
