// `npm test`: every test that needs only npm. Node keeps one core free for itself, which on a machine of two leaves one
// for tests that mostly wait; here two files run at a time at least.
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

const PATTERNS = ['packages/*/src/**/*.test.ts', 'scripts/*.test.ts', 'bench/**/*.test.ts']

const concurrency = Math.max(2, availableParallelism() - 1)
const flags = ['--test', `--test-concurrency=${concurrency}`, '--test-reporter=spec']
const patterns = process.argv.length > 2 ? process.argv.slice(2) : PATTERNS
const { status } = spawnSync(process.execPath, [...flags, ...patterns], { stdio: 'inherit' })
process.exitCode = status ?? 1
