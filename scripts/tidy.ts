// The rules that neither the compiler nor a linter knows: layers, purity, sizes, leftovers. `npm run check:tidy`.
// Exits 1 with one line for each breach; what is only advised is listed below and does not fail.
import { join } from 'node:path'
import { readCheckout } from './tidy/checkout.ts'
import { formatFinding } from './tidy/finding.ts'
import { runRules } from './tidy/run-rules.ts'

const startedAt = performance.now()
const checkout = readCheckout(join(import.meta.dirname, '..'))
const findings = runRules(checkout)
const breaches = findings.filter(({ note }) => note !== true)
const notes = findings.filter(({ note }) => note === true)

for (const finding of breaches) console.error(formatFinding(finding))
if (notes.length > 0) console.log('Advised:')
for (const finding of notes) console.log(`  ${formatFinding(finding)}`)

const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
console.log(`tidy: ${checkout.texts.size} files, ${breaches.length} breaches, ${seconds} s`)
process.exitCode = breaches.length === 0 ? 0 : 1
