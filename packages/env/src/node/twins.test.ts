import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Disk, DiskFile } from '../ports.ts'
import { simEnv } from '../sim/mod.ts'
import { NodeDisk } from './disk.ts'

// One random list of calls, run on the real disk and on the simulated one: every answer must be the same.

const NAMES = ['a', 'b', 'd', 'd/a', 'd/b', 'd/e/a', 'a/x']
const name = fc.constantFrom(...NAMES)
const slot = fc.nat(2)
const position = fc.constantFrom(0, 1, 511, 512, 4095, 4096, 10_000)
const length = fc.constantFrom(0, 1, 512, 513, 5000)

type Step =
  | { kind: 'open'; name: string; create: boolean; size: number; slot: number }
  | { kind: 'close'; slot: number }
  | { kind: 'write'; slot: number; position: number; length: number; fill: number }
  | { kind: 'read'; slot: number; position: number; length: number }
  | { kind: 'truncate'; slot: number; position: number }
  | { kind: 'sync'; slot: number }
  | { kind: 'rename'; name: string; to: string }
  | { kind: 'remove' | 'makeFolder' | 'list' | 'stat' | 'syncDirectory'; name: string }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('open' as const),
    name,
    create: fc.boolean(),
    size: position,
    slot,
  }),
  fc.record({ kind: fc.constant('close' as const), slot }),
  fc.record({ kind: fc.constant('write' as const), slot, position, length, fill: fc.nat(255) }),
  fc.record({ kind: fc.constant('read' as const), slot, position, length }),
  fc.record({ kind: fc.constant('truncate' as const), slot, position }),
  fc.record({ kind: fc.constant('sync' as const), slot }),
  fc.record({ kind: fc.constant('rename' as const), name, to: name }),
  fc.record({
    kind: fc.constantFrom('remove', 'makeFolder', 'list', 'stat', 'syncDirectory'),
    name,
  }),
)

/** Runs the steps below `root`; one line for each, what it gave or threw. */
function run(disk: Disk, root: string, steps: readonly Step[]): string[] {
  const open: (DiskFile | undefined)[] = []
  const answers = steps.map((one) => {
    try {
      return `${one.kind} ${apply(disk, root, open, one)}`
    } catch (error) {
      return `${one.kind} ${(error as Error & { code: string }).code}`
    }
  })
  for (const file of open) file?.close()
  return answers
}

function apply(disk: Disk, root: string, open: (DiskFile | undefined)[], one: Step): string {
  switch (one.kind) {
    case 'open':
      open[one.slot]?.close()
      open[one.slot] = undefined
      open[one.slot] = disk.open(`${root}/${one.name}`, { create: one.create, size: one.size })
      return 'ok'
    case 'rename':
      disk.rename(`${root}/${one.name}`, `${root}/${one.to}`)
      return 'ok'
    case 'list':
      return disk.list(`${root}/${one.name}`).join()
    case 'stat': {
      const stat = disk.stat(`${root}/${one.name}`)
      if (stat === null || stat.isFolder) return String(stat?.isFolder)
      return `${stat.size}`
    }
    case 'remove':
    case 'makeFolder':
    case 'syncDirectory':
      disk[one.kind](`${root}/${one.name}`)
      return 'ok'
    default: {
      const file = open[one.slot]
      return file === undefined ? 'none' : applyToFile(file, one)
    }
  }
}

function applyToFile(file: DiskFile, one: Step): string {
  switch (one.kind) {
    case 'write':
      file.writeNow(Buffer.alloc(one.length, one.fill), one.position)
      return `${file.size()}`
    case 'read': {
      const into = Buffer.alloc(one.length)
      const count = file.readNow(into, 0, one.length, one.position)
      return `${count} ${into.toString('hex')}`
    }
    case 'truncate':
      file.truncate(one.position)
      return `${file.size()}`
    case 'sync':
      file.syncNow()
      return 'ok'
    default:
      file.close()
      return 'ok'
  }
}

test('the simulated disk answers every call as the real one does', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const root = mkdtempSync(join(tmpdir(), 'apogee-twins-'))
      try {
        const { disk } = simEnv(1)
        disk.makeFolder('/root')
        assert.deepEqual(run(disk, '/root', steps), run(new NodeDisk(), root, steps))
      } finally {
        rmSync(root, { recursive: true, force: true })
      }
    }),
    { numRuns: 300 },
  )
})
