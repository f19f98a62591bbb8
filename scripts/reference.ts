// Writes docs/reference from the docstrings of what the published packages export. With --check it only says which pages
// are stale, and exits 1 when one is. A public name without a docstring fails in either case.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { referencePages } from './reference/pages.ts'
import { publicNames } from './reference/public-names.ts'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'docs', 'reference')
const names = publicNames(root)
const bare = names.filter(({ documented }) => documented.doc === '')
for (const { documented, packages } of bare) {
  console.error(`${documented.name}, exported by ${packages.join(' and ')}, has no docstring`)
}
const pages = referencePages(names)
if (process.argv.includes('--check')) check(pages)
else write(pages)
if (bare.length > 0) process.exitCode = 1

function write(wanted: ReadonlyMap<string, string>): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of wanted) writeFileSync(join(folder, name), text)
  console.log(`docs/reference: ${wanted.size} pages, ${names.length} names`)
}

function check(wanted: ReadonlyMap<string, string>): void {
  const present = new Map(readPages())
  const all = new Set([...wanted.keys(), ...present.keys()])
  const stale = [...all].filter((name) => wanted.get(name) !== present.get(name))
  if (stale.length === 0) return
  console.error(`docs/reference is stale (${stale.join(', ')}): run npm run reference`)
  process.exitCode = 1
}

function readPages(): [string, string][] {
  try {
    return readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')])
  } catch {
    return [] // It was never written.
  }
}
