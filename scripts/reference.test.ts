import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Documented, splitDefault } from './reference/model.ts'
import { referencePages } from './reference/pages.ts'
import { readDeclarations } from './reference/read-declarations.ts'

function read(t: TestContext, files: Readonly<Record<string, string>>): Map<string, Documented> {
  const folder = mkdtempSync(join(tmpdir(), 'reference-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const found = readDeclarations(folder, ['mod.d.ts'], new Map()).get('mod.d.ts') ?? []
  return new Map(found.map((one) => [one.name, one]))
}

function page(name: string, one: Documented, packages: string[] = ['a']): string {
  return referencePages([{ documented: one, packages }]).get(`${name}.md`) ?? ''
}

test('names are read through re-exports, with the docstring of their declaration', (t) => {
  const found = read(t, {
    'mod.d.ts': `export { Producer as Sender } from './producer.js'\nexport type { Mode } from './producer.js'\n`,
    'producer.d.ts': `/** Sends.\n * Two lines. */\nexport declare class Producer {}\nexport type Mode = 'a' | 'b';\n`,
  })
  equal(found.get('Sender')?.doc, 'Sends.\nTwo lines.')
  equal(found.get('Sender')?.kind, 'class')
  equal(found.get('Mode')?.doc, '')
  equal(found.get('Mode')?.signature, "type Mode = 'a' | 'b';")
})

test('a class shows its public members alone', (t) => {
  const text = `/** It. */
export declare class Producer<T> extends Base<T> {
    #private;
    private readonly log;
    protected secret: string;
    /** Between parts.
     * @internal */
    wired(): void;
    /** Where. */
    readonly address: string;
    constructor(group: string);
    /** One. */
    send(message: T): Promise<void>;
    send(messages: readonly T[]): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}
declare class Base<T> { value: T }
`
  const producer = read(t, { 'mod.d.ts': text }).get('Producer')!
  equal(producer.signature, 'class Producer<T> extends Base<T>')
  deepEqual(
    producer.members.map(({ name }) => name),
    ['address', 'constructor', 'send', 'send', '[Symbol.asyncDispose]'],
  )
  const shown = page('producers', producer)
  match(
    shown,
    /### send\(\)\n\n```ts\nsend\(message: T\): Promise<void>\nsend\(messages: readonly T/,
  )
  match(shown, /\| `address` \| `string` \| Where\. \|/)
})

test('a class that is exported as a type has no constructor', (t) => {
  const found = read(t, {
    'mod.d.ts': `export type { Made } from './made.js'\nexport { Free } from './made.js'\n`,
    'made.d.ts': `/** M. */\nexport declare class Made { constructor(parts: object) }\n/** F. */\nexport declare class Free { constructor(name: string) }\n`,
  })
  deepEqual(found.get('Made')?.members, [])
  deepEqual(
    found.get('Free')?.members.map(({ kind }) => kind),
    ['constructor'],
  )
})

test('options become a table with their defaults, and bars stay in their cell', (t) => {
  const text = `/** O. */
export interface SendOptions {
    /** For all attempts. Default 3,000. */
    timeoutMs?: number;
    /** Or a choice. Default: none of them. More text. */
    queue?: Q | ((queues: readonly Q[]) => Q);
    /** Asked. */
    check(message: { a: string; }): 'yes' | Promise<'no'>;
}
interface Q {}
`
  const shown = page('producers', read(t, { 'mod.d.ts': text }).get('SendOptions')!)
  const rows = shown.split('\n').filter((line) => line.startsWith('|'))
  deepEqual(rows, [
    '| name | type | default | meaning |',
    '|---|---|---|---|',
    '| `timeoutMs?` | `number` | 3,000 | For all attempts. |',
    '| `queue?` | `Q \\| ((queues: readonly Q[]) => Q)` | none of them | Or a choice. More text. |',
    "| `check` | `(message: { a: string; }) => 'yes' \\| Promise<'no'>` |  | Asked. |",
  ])
})

test('a table of codes is a value with a type of the same name', (t) => {
  const text = `/** Codes. */
export declare const ErrorCode: {
    /** Closed it. */
    readonly CLOSED: 'RMQ_CLOSED';
};
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];
`
  const shown = page('errors', read(t, { 'mod.d.ts': text }).get('ErrorCode')!)
  match(shown, /const ErrorCode\ntype ErrorCode = \(typeof ErrorCode\)/)
  match(shown, /\| `CLOSED` \| `'RMQ_CLOSED'` \| Closed it\. \|/)
})

test('the index names every public name once, with its first sentence', (t) => {
  const text = `/** Makes text: of values. More. */\nexport declare function json<T>(): T;\n`
  const json = read(t, { 'mod.d.ts': text }).get('json')!
  const index = referencePages([{ documented: json, packages: ['a'] }]).get('README.md') ?? ''
  ok(index.includes('| [`json`](messages.md#json) | Makes text. |'), index)
})

test('what only apogee exports is on one page, whatever its name', (t) => {
  const text = `/** Codes. */\nexport declare const ClusterError: { readonly A: 'A' };\n`
  const one = read(t, { 'mod.d.ts': text }).get('ClusterError')!
  match(page('testing', one, ['apogee']), /## ClusterError/)
  equal(page('errors', one, ['apogee']), '')
})

test('a default is taken out of its sentence', () => {
  deepEqual(splitDefault('How long. Default 3,000.'), { text: 'How long.', value: '3,000' })
  deepEqual(splitDefault('Default: false.'), { text: '', value: 'false' })
  deepEqual(splitDefault('By default nothing happens.'), {
    text: 'By default nothing happens.',
    value: null,
  })
})
