import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { KnownMaster } from './known-master.ts'

/**
 * Runs `nameServer master` lines (`-`: it knows none). After each: `*` when something changed, the master, `gone` when
 * nobody names it any more.
 */
function script(text: string): string[] {
  const known = new KnownMaster()
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [nameServer = '', master = ''] = line.trim().split(' ')
      const named = master === '-' ? null : master
      const isNews = known.answered(nameServer, named, named === null ? null : `${named}/ha`)
      const { addresses } = known
      if (addresses !== null) equal(addresses.haServerAddr, `${addresses.masterAddr}/ha`)
      const shown = addresses === null ? 'none' : addresses.masterAddr
      return `${isNews ? '* ' : ''}${shown}${known.isNamed || addresses === null ? '' : ' gone'}`
    })
}

test('no master until one is named, and a master that has gone stays known', () => {
  const answers = script(`
    n1 -
    n1 a
    n1 a
    n1 -
    n1 a`)
  deepEqual(answers, ['none', '* a', 'a', '* a gone', '* a'])
})

test('one NameServer that knows it is enough, whatever the others know', () => {
  const answers = script(`
    n1 a
    n2 -
    n1 -
    n2 a
    n1 -`)
  deepEqual(answers, ['* a', 'a', '* a gone', '* a', 'a'])
})

test('a new master is followed at once, and the old one that another NameServer repeats is no news', () => {
  const answers = script(`
    n1 a
    n2 a
    n1 b
    n2 a
    n2 a
    n2 b`)
  deepEqual(answers, ['* a', 'a', '* b', 'b', 'b', 'b'])
})

test('a master that nobody names any more gives way to one that is named', () => {
  const answers = script(`
    n1 a
    n2 b
    n2 -
    n2 b
    n1 -`)
  deepEqual(answers, ['* a', '* b', '* a', '* b', 'b'])
})

test('an empty address is none', () => {
  const known = new KnownMaster()
  equal(known.answered('n1', '', ''), false)
  equal(known.addresses, null)
  equal(known.answered('n1', 'a', null), true)
  deepEqual(known.addresses, { masterAddr: 'a', haServerAddr: '' })
})
