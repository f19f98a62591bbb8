#!/usr/bin/env node
// The launcher. Installed from the registry it loads the compiled program; in a checkout it runs the sources, with the Node
// that the workspace pins when the one on the PATH is too old for them. It is JavaScript so that the compile cache is on
// before the first source with types: a warm start then never loads the compiler.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const self = fileURLToPath(import.meta.url)
const source = join(dirname(self), '../src/bin/apogee.ts')
const isCheckout = existsSync(source)
/** In the node_modules that this package is in, or was linked into: what others can write to is not to be run. */
const cacheFolder = join(
  self,
  isCheckout ? '../../../../node_modules' : '../../..',
  '.cache/apogee',
)
const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }

if (isCheckout ? process.features.typescript : isNewEnough()) {
  module.enableCompileCache(cacheFolder)
  quietSqlite()
  const { main } = await import(isCheckout ? '../src/main.ts' : '../dist/main.js')
  await main(process.argv)
} else runPinned()

/** The store's lock uses node:sqlite, which Node 22 calls experimental on every start: no news for who runs a broker. */
function quietSqlite() {
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = (warning, ...rest) => {
    if (!String(warning).startsWith('SQLite is an experimental feature')) {
      emitWarning(warning, ...rest)
    }
  }
}

/** zstd came to node:zlib with 22.15. */
function isNewEnough() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 15)
}

function runPinned() {
  const node = isCheckout ? pinnedNode() : null
  if (node === null) {
    const remedy = isCheckout ? ' In a checkout, run: npm ci' : ''
    process.stderr.write(`apogee needs Node 22.15 or newer; this is ${process.version}.${remedy}\n`)
    process.exit(1)
  }
  // The channel tells the child when this process is gone, however it goes.
  const child = spawn(node, [self, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) {
    process.on(signal, () => child.kill(signal))
  }
  child.on('error', (error) => {
    process.stderr.write(`apogee: cannot start ${node}: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (SIGNAL_NUMBERS[signal] ?? 0)))
}

function pinnedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json')
    const name = process.platform === 'win32' ? 'node.exe' : 'node'
    const binary = join(dirname(manifest), 'bin', name)
    return existsSync(binary) ? binary : null
  } catch {
    return null
  }
}
