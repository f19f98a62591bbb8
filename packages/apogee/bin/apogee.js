#!/usr/bin/env node
// The launcher. Installed from the registry it loads the compiled program; in a checkout it runs the sources, with the Node
// that the workspace pins when the one on the PATH is too old for them.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const source = join(here, '../src/bin/apogee.ts')
const compiled = join(here, '../dist/bin/apogee.js')
const program = existsSync(source) ? source : compiled

if (program === compiled || process.features.typescript) await import(program)
else runPinned()

function runPinned() {
  const node = pinnedNode()
  if (node === null) {
    console.error(
      `apogee needs Node 22.15 or newer; this is ${process.version}. In a checkout, run: npm ci`,
    )
    process.exit(1)
  }
  // The channel tells the child when this process is gone, however it goes.
  const child = spawn(node, [program, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'])
    process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    console.error(`apogee: cannot start ${node}: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)))
}

function pinnedNode() {
  try {
    const manifest = createRequire(import.meta.url).resolve('node/package.json')
    const binary = join(
      dirname(manifest),
      'bin',
      process.platform === 'win32' ? 'node.exe' : 'node',
    )
    return existsSync(binary) ? binary : null
  } catch {
    return null
  }
}
