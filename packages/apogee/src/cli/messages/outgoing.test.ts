import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import type { CliIo } from '../io.ts'
import { toArray } from '../testing/to-array.ts'
import { type Outgoing, outgoingMessages, readJsonLine } from './outgoing.ts'
import type { SendFlags } from './send-command.ts'

const FLAGS: SendFlags = { key: [], property: [], count: 1, inFlight: 1, timeout: '3s' }
const BASE = { keys: [], properties: {} }

function input(stream: Readable, isTerminal = false): CliIo {
  return { input: { isTerminal, stream } } as unknown as CliIo
}

async function all(
  flags: Partial<SendFlags>,
  body: string | null,
  chunks: readonly string[] = [],
): Promise<Outgoing[]> {
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)))
  const { signal } = new AbortController()
  return await toArray(outgoingMessages(input(stream), body, { ...FLAGS, ...flags }, signal))
}

const bodies = (messages: readonly Outgoing[]): string[] =>
  messages.map(({ body }) => body.toString())

test('the body is the word, or all of the input', async () => {
  deepEqual(bodies(await all({}, 'hello')), ['hello'])
  deepEqual(bodies(await all({}, null, ['{"a":', '1}\n'])), ['{"a":1}\n'])
  deepEqual(bodies(await all({ count: 3 }, 'x')), ['x', 'x', 'x'])
})

test('lines are messages, wherever the input is cut, with either line break', async () => {
  const text = 'one\r\ntwo\n\nthree ☺\nlast'
  const expected = ['one', 'two', '', 'three ☺', 'last']
  const bytes = Buffer.from(text)
  for (let cut = 1; cut < bytes.length; cut++) {
    const stream = Readable.from([bytes.subarray(0, cut), bytes.subarray(cut)])
    const messages = outgoingMessages(
      input(stream),
      null,
      { ...FLAGS, lines: true },
      new AbortController().signal,
    )
    deepEqual(bodies(await toArray(messages)), expected, `cut at ${cut}`)
  }
  deepEqual(bodies(await all({ lines: true }, null, ['a\n'])), ['a'])
})

test('flags say what every message is like', async () => {
  const [message] = await all(
    { tag: 't', key: ['a', 'b'], property: ['region=eu', 'x=a=b'], delay: '2s', shardingKey: 's' },
    'x',
  )
  deepEqual(message, {
    body: Buffer.from('x'),
    tag: 't',
    keys: ['a', 'b'],
    properties: { region: 'eu', x: 'a=b' },
    delayMs: 2_000,
    shardingKey: 's',
  })
  await rejects(all({ property: ['=x'] }, 'x'), { code: 'CLI_USAGE' })
})

test('a line of JSON says what the flags do not', () => {
  const base = { keys: ['f'], properties: { a: '1' }, tag: 'flag' }
  deepEqual(readJsonLine(Buffer.from('{"body":"b"}'), 1, base), { ...base, body: Buffer.from('b') })
  const line =
    '{"body":{"id":1},"tag":"t","keys":["x"],"properties":{"n":5,"a":"2"},"delayLevel":3,"messageId":"passed over"}'
  deepEqual(readJsonLine(Buffer.from(line), 1, base), {
    body: Buffer.from('{"id":1}'),
    tag: 't',
    keys: ['x'],
    properties: { a: '2', n: '5' },
    delayLevel: 3,
  })
  const binary = readJsonLine(
    Buffer.from('{"bodyBase64":"//4=","tag":null,"keys":"a  b"}'),
    1,
    BASE,
  )
  deepEqual(binary, { ...BASE, body: Buffer.from([0xff, 0xfe]), keys: ['a', 'b'] })
})

test('a line that cannot be read is told by its number', () => {
  const wrong = [
    '{',
    '[]',
    '"x"',
    '{}',
    '{"body":"x","tag":5}',
    '{"body":"x","keys":[1]}',
    '{"body":"x","properties":{"a":{}}}',
  ]
  for (const text of wrong) {
    throws(
      () => readJsonLine(Buffer.from(text), 7, BASE),
      { code: 'CLI_INPUT_INVALID', message: /^line 7: / },
      text,
    )
  }
})

test('nobody waits for a body that was never to be typed', async () => {
  const { signal } = new AbortController()
  const messages = outgoingMessages(input(Readable.from([]), true), null, FLAGS, signal)
  await rejects(messages.next(), { code: 'CLI_USAGE' })
  await rejects(all({ file: 'x' }, 'body'), { code: 'CLI_USAGE' })
  await rejects(all({ file: '/there/is/none' }, null), { code: 'CLI_FILE' })
})

test('the signal ends reading an input that goes on', async () => {
  const abort = new AbortController()
  const endless = new Readable({ read: () => {} })
  const messages = outgoingMessages(input(endless), null, { ...FLAGS, lines: true }, abort.signal)
  endless.push('one\n')
  equal((await messages.next()).value?.body.toString(), 'one')
  const next = messages.next()
  abort.abort()
  equal((await next).done, true)
})
