// Starts the program once and ends it, for `npm ci`: what it compiles is kept, so that the first start is as quick as all
// later ones. Never fails: without it only the first start is slower.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const LIMIT_MS = 15_000

const folder = mkdtempSync(join(tmpdir(), 'apogee-warm-'))
const launcher = join(dirname(fileURLToPath(import.meta.url)), 'apogee.js')
const ports = ['--port', '0', '--namesrv-port', '0', '--http-port', '0', '--log-format', 'json']
const args = [launcher, 'start', ...ports, '--store', join(folder, 'store')]
const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
child.stdout.on('data', (text) => {
  if (String(text).includes('boot success')) child.kill('SIGTERM')
})
child.on('error', () => done())
child.on('close', () => done())

function done() {
  clearTimeout(limit)
  rmSync(folder, { recursive: true, force: true })
}
