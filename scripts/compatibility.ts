// Writes docs/COMPATIBILITY.md from what the servers really serve. With --check it only says whether the file is stale,
// and exits 1 when it is.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compatibilityPage } from './compatibility/page.ts'
import { servedCodes } from './compatibility/registries.ts'
import { readSources, recordedFrom } from './compatibility/sources.ts'

const root = join(import.meta.dirname, '..')
const file = join(root, 'docs', 'COMPATIBILITY.md')
const page = compatibilityPage({
  served: await servedCodes(),
  sources: readSources(root),
  recorded: recordedFrom(root),
})

if (!process.argv.includes('--check')) {
  writeFileSync(file, page)
  console.log('docs/COMPATIBILITY.md written')
} else if (current() !== page) {
  console.error('docs/COMPATIBILITY.md is stale: run npm run compatibility')
  process.exitCode = 1
}

function current(): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null // It was never written.
  }
}
