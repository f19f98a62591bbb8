import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AdminCommand, AdminOption } from '../command.ts'
import { mqadminOptions, mqadminOthers } from '../testing/mqadmin-options.ts'
import { adminCommands } from './all-commands.ts'
import { unsupportedCommands } from './unsupported.ts'

const ours = new Map(adminCommands.map((one) => [one.name, one]))

function spellingOf({ flags }: AdminOption): string {
  const letter = /^-(\w)/.exec(flags)?.[1] ?? ''
  const long = /--([\w-]+)/.exec(flags)?.[1] ?? ''
  return `${letter}/${long}${flags.includes('<') ? '=' : ''}`
}

test('every command of mqadmin is here, or is named with the reason why not', () => {
  const known = [...Object.keys(mqadminOptions), ...mqadminOthers]
  assert.equal(known.length, 96)
  for (const name of Object.keys(mqadminOptions)) assert(ours.has(name), name)
  const reasons = new Map(unsupportedCommands.map(({ name, reason }) => [name, reason]))
  assert.deepEqual([...reasons.keys()].sort(), [...mqadminOthers].sort())
  for (const [name, reason] of reasons) {
    assert(reason.length > 20, name)
    assert(!ours.has(name), name)
  }
})

test('every option of mqadmin is taken, under its letter and its long name', () => {
  for (const [name, text] of Object.entries(mqadminOptions)) {
    const spellings = new Set(ours.get(name)!.options.map(spellingOf))
    for (const wanted of text.split(' ').filter((one) => one !== '')) {
      assert(spellings.has(wanted), `${name}: ${wanted} is missing of ${[...spellings].join(' ')}`)
    }
  }
})

test('names, paths, letters and keys are each used once, and words are well formed', () => {
  unique(adminCommands.flatMap(({ name }) => (name === null ? [] : [name])))
  unique(adminCommands.flatMap(({ path }) => (path === null ? [] : [path.join(' ')])))
  for (const one of adminCommands) {
    const title = one.name ?? one.path!.join(' ')
    assert(one.name !== null || one.path !== null, title)
    for (const word of one.path ?? []) assert.match(word, /^[a-z]+(-[a-z]+)*$/, title)
    unique(one.options.map(({ key }) => key))
    unique(lettersOf(one))
    unique(one.options.map(({ flags }) => /--\S+/.exec(flags)![0]))
    assert(
      !lettersOf(one).includes('n') && !lettersOf(one).includes('h'),
      `${title} takes -n or -h`,
    )
  }
})

test('help can be written for every command: a summary, examples, and an explanation of each option', () => {
  for (const one of adminCommands) {
    const title = one.name ?? one.path!.join(' ')
    assert.match(one.summary, /^[A-Z].*[^.]$/, title)
    assert(one.examples.length > 0, title)
    for (const { flags, help, key } of one.options) {
      assert.match(flags, /^(-\w, )?--[\w-]+( <[^<>]+>)?$/, `${title} ${flags}`)
      assert(help !== '' && key !== '', `${title} ${flags}`)
    }
    for (const { name, required } of one.arguments ?? []) {
      assert.equal(name.startsWith('<'), required === true, `${title} ${name}`)
    }
  }
})

test('commands that take something away say so', () => {
  const destructive = [
    'updateBrokerConfig',
    'cleanExpiredCQ',
    'deleteExpiredCommitLog',
    'cleanUnusedTopic',
    'wipeWritePerm',
    'deleteTopic',
    'deleteSubGroup',
    'resetOffsetByTime',
    'skipAccumulatedMessage',
    'cloneGroupOffset',
    'deleteKvConfig',
    'updateNamesrvConfig',
  ]
  for (const name of destructive) assert('damage' in ours.get(name)!, name)
})

function lettersOf({ options }: AdminCommand): string[] {
  return options.flatMap(({ flags }) => /^-(\w),/.exec(flags)?.[1] ?? [])
}

function unique(words: readonly string[]): void {
  assert.deepEqual([...new Set(words)], words)
}
