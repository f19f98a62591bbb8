import { deepEqual } from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { brokerConfigTable } from './config-table.ts'

/** The source of this package, without tests and without the tables of keys. */
function source(folder: string): string {
  let text = ''
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) text += entry.name === 'config' ? '' : source(path)
    else if (entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts')) {
      text += readFileSync(path, 'utf8')
    }
  }
  return text
}

test('a key that is said to be used is used', () => {
  const text = source(join(import.meta.dirname, '..'))
  const used = brokerConfigTable.filter(({ effect }) => effect === 'used')
  const idle = used.filter(({ key }) => !new RegExp(`\\b${key}\\b`).test(text))
  deepEqual(
    idle.map(({ key }) => key),
    [],
  )
})
