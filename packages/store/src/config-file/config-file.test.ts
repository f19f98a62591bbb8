import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Prng } from '@apogee/base'
import { powerCut, SimClock } from '@apogee/env/sim'
import { makeWorld, type World, wait } from '../consume-queue/queues.fixture.ts'
import { ConfigFile } from './config-file.ts'

const PATH = '/store/config/topics.json'

function open(world: World, errors: Error[] = []): ConfigFile {
  const onError = (error: Error): void => {
    errors.push(error)
  }
  return new ConfigFile(PATH, { disk: world.disk, clock: world.clock, onError })
}

function save(world: World, file: ConfigFile, text: string): Error | null {
  return wait<Error | null>(world, (done) => file.save(text, done))
}

function write(world: World, path: string, text: string): void {
  const file = world.disk.open(path, { create: true })
  file.truncate(0)
  file.writeNow(Buffer.from(text), 0)
  file.close()
}

function textOf(world: World, path: string): string | null {
  const bytes = world.disk.contents().get(path)
  return bytes === undefined ? null : Buffer.from(bytes).toString()
}

const parse = (text: string): unknown => JSON.parse(text)

test('what was saved is loaded, and the text before it is in .bak', () => {
  const world = makeWorld(1)
  const file = open(world)
  assert.equal(file.load(parse), null)
  assert.equal(save(world, file, '{"a":1}'), null)
  assert.equal(textOf(world, `${PATH}.bak`), null)
  assert.equal(save(world, file, '{"a":"ü"}'), null)
  assert.equal(textOf(world, PATH), '{"a":"ü"}')
  assert.equal(textOf(world, `${PATH}.bak`), '{"a":1}')
  assert.deepEqual(open(world).load(parse), { a: 'ü' })
})

test('the same text is not written again', () => {
  const world = makeWorld(2)
  const file = open(world)
  save(world, file, '{"a":1}')
  save(world, file, '{"a":2}')
  assert.equal(save(world, file, '{"a":2}'), null)
  assert.equal(textOf(world, `${PATH}.bak`), '{"a":1}')
})

test('saves that come while one is under way become one', () => {
  const world = makeWorld(3)
  const file = open(world)
  const order: string[] = []
  for (let i = 0; i < 5; i++) {
    file.save(`{"a":${i}}`, (error) => order.push(`${i} ${String(error)}`))
  }
  let isClosed = false
  file.close(() => {
    isClosed = true
  })
  world.clock.runUntilIdle()
  assert.equal(isClosed, true)
  assert.deepEqual(order, ['0 null', '1 null', '2 null', '3 null', '4 null'])
  assert.equal(textOf(world, PATH), '{"a":4}')
  assert.equal(textOf(world, `${PATH}.bak`), '{"a":0}')
  assert.equal(world.disk.exists(`${PATH}.tmp`), false)
})

test('a missing, empty or damaged file gives way to the copy, which a damaged one never replaces', () => {
  for (const text of [null, '', '{"a":', '\0\0\0\0']) {
    const world = makeWorld(4)
    const errors: Error[] = []
    write(world, `${PATH}.bak`, '{"a":1}')
    if (text !== null) write(world, PATH, text)
    const file = open(world, errors)
    assert.deepEqual(file.load(parse), { a: 1 })
    assert.deepEqual(
      errors.map((error) => (error as { code?: string }).code),
      text === null || text === '' ? [] : ['CONFIG_FILE_DAMAGED'],
    )
    assert.equal(save(world, file, '{"a":2}'), null)
    assert.equal(textOf(world, PATH), '{"a":2}')
    assert.equal(textOf(world, `${PATH}.bak`), '{"a":1}')
  }
})

test('two damaged files are an error with a code', () => {
  const world = makeWorld(5)
  write(world, PATH, '{')
  write(world, `${PATH}.bak`, '}')
  assert.throws(() => open(world).load(parse), { code: 'CONFIG_FILE_DAMAGED' })
})

test('a failed save is reported to its caller and the owner, and the next one works', () => {
  let failed = true
  for (let k = 0; failed; k++) {
    const world = makeWorld(6)
    const errors: Error[] = []
    const file = open(world, errors)
    save(world, file, '{"a":1}')
    const first = world.disk.faults.calls
    world.disk.faults.failCall(first + k, { code: 'ENOSPC' })
    const error = save(world, file, '{"a":2}')
    failed = world.disk.faults.calls > first + k
    world.disk.faults.clear()
    assert.equal(error === null, errors.length === 0)
    const value = open(world).load(parse) as { a: number }
    assert.ok(value.a === 2 || (value.a === 1 && error !== null), `call ${k}`)
    assert.equal(save(world, file, '{"a":3}'), null)
    assert.deepEqual(open(world).load(parse), { a: 3 })
  }
})

test('after any crash the file or the copy is whole, and nothing saved is lost', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const world = makeWorld(seed)
    const prng = new Prng(seed)
    const file = open(world)
    for (let i = 1; i <= 3; i++) assert.equal(save(world, file, JSON.stringify({ a: i })), null)
    file.save('{"a":4}')
    for (let steps = prng.below(4); steps > 0; steps--) world.clock.step()
    const disk = world.disk.crash(powerCut(prng.fork()), new SimClock())
    const value = open({ ...world, disk }).load(parse) as { a: number } | null
    assert.ok(value?.a === 3 || value?.a === 4, `seed ${seed}: ${JSON.stringify(value)}`)
  }
})
