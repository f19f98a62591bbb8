// The checker must fail when it should: each kind of damage, planted into a sound history, is named.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { History, type ProblemKind, type Sighting } from './history.ts'

const QUEUES = 2
const COUNT = 20

/** Twenty messages over two queues, all sent; every one but the last acknowledged; the first ten consumed. */
function sound(): { history: History; log: Sighting[] } {
  const history = new History()
  const log: Sighting[] = []
  for (let id = 0; id < COUNT; id++) {
    const digest = `digest-${id}`
    const sighting = { id, queueId: id % QUEUES, queueOffset: Math.floor(id / QUEUES), digest }
    history.recordSend(id, digest)
    if (id < COUNT - 1) history.recordAcknowledgement(sighting)
    if (id < COUNT / 2) history.recordSighting(sighting)
    log.push(sighting)
  }
  return { history, log }
}

function kinds(history: History, log: readonly Sighting[]): ProblemKind[] {
  return [...new Set(history.judge(log).map((problem) => problem.kind))].toSorted()
}

function without(log: readonly Sighting[], id: number): Sighting[] {
  return log.filter((sighting) => sighting.id !== id)
}

function changed(log: readonly Sighting[], id: number, change: Partial<Sighting>): Sighting[] {
  return log.map((sighting) => (sighting.id === id ? { ...sighting, ...change } : sighting))
}

describe('the judge of kill runs', () => {
  it('accepts a sound history', () => {
    const { history, log } = sound()
    assert.deepEqual(kinds(history, log), [])
  })

  it('accepts that a message which was never acknowledged is missing', () => {
    const { history, log } = sound()
    assert.deepEqual(kinds(history, without(log, COUNT - 1)), [])
  })

  it('finds a lost message at the end of a queue', () => {
    const { history, log } = sound()
    assert.deepEqual(kinds(history, without(log, COUNT - 2)), ['lost'])
  })

  it('finds a lost message in the middle, and the hole it leaves', () => {
    const { history, log } = sound()
    assert.deepEqual(kinds(history, without(log, 12)), ['gap', 'lost'])
  })

  it('finds two messages that changed places', () => {
    const { history, log } = sound()
    const swapped = log.map((sighting) => {
      const other = log[{ 14: 16, 16: 14 }[sighting.id] ?? sighting.id]
      return { ...sighting, queueOffset: other?.queueOffset ?? -1 }
    })
    assert.deepEqual(kinds(history, swapped), ['moved'])
  })

  it('finds a doubled message', () => {
    const { history, log } = sound()
    const again = { ...(log[13] as Sighting), queueOffset: COUNT / QUEUES }
    const problems = kinds(history, [...log, again])
    assert.ok(problems.includes('doubled'), problems.join())
  })

  it('finds a place that is shown twice', () => {
    const { history, log } = sound()
    assert.deepEqual(kinds(history, [...log, log[13] as Sighting]), ['doubled'])
  })

  it('finds an altered body', () => {
    const { history, log } = sound()
    assert.deepEqual(kinds(history, changed(log, 15, { digest: 'other' })), ['altered'])
  })

  it('finds a message that nobody sent', () => {
    const { history, log } = sound()
    const phantom = { id: 999, queueId: 0, queueOffset: COUNT / QUEUES, digest: 'digest-999' }
    assert.deepEqual(kinds(history, [...log, phantom]), ['phantom'])
  })

  it('finds that a consumed message disappeared', () => {
    const { history, log } = sound()
    const last = log.at(-1) as Sighting
    history.recordSighting(last)
    assert.deepEqual(kinds(history, without(log, last.id)), ['disappeared'])
  })

  it('finds a place that showed a consumer two messages', () => {
    const { history, log } = sound()
    history.recordSighting({ ...(log[3] as Sighting), id: 19, digest: 'digest-19' })
    assert.ok(kinds(history, log).includes('disappeared'))
  })

  it('finds one place promised to two messages', () => {
    const { history, log } = sound()
    history.recordAcknowledgement({ id: COUNT - 1, queueId: 0, queueOffset: 0 })
    assert.ok(kinds(history, log).includes('moved'))
  })
})
