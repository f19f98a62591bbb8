// Runs one program to its end, in a process of its own: one that leaves a handle open does not end, and fails.
import { spawn } from 'node:child_process'

export interface RunResult {
  readonly code: number | null
  readonly output: string
  readonly errors: string
  readonly timedOut: boolean
}

export interface RunOptions {
  readonly file: string
  readonly env: Readonly<Record<string, string>>
  readonly limitMs: number
  /** Sent once the output contains `after`: how a program that runs until it is told is ended. */
  readonly signal?: { readonly name: NodeJS.Signals; readonly after: string }
}

export function runProgram(options: RunOptions): Promise<RunResult> {
  const { file, env, limitMs, signal } = options
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], {
      env: { ...process.env, NODE_TEST_CONTEXT: '', FORCE_COLOR: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let errors = ''
    let timedOut = false
    let signalled = false
    const limit = setTimeout(() => {
      timedOut = true
      child.kill('SIGKILL')
    }, limitMs)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (signal === undefined || signalled || !output.includes(signal.after)) return
      signalled = true
      child.kill(signal.name)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(limit)
      resolve({ code, output, errors, timedOut })
    })
  })
}

/** null when the program did what its page says, or what is wrong. */
export function problemOf(result: RunResult, prints: readonly string[]): string | null {
  const said = `\n--- output\n${result.output}--- errors\n${result.errors}`
  if (result.timedOut) return `did not end in time: something is left open${said}`
  if (result.code !== 0) return `ended with ${result.code}${said}`
  if (result.errors !== '') return `wrote to stderr${said}`
  let at = 0
  for (const text of prints) {
    const found = result.output.indexOf(text, at)
    if (found < 0) return `did not print ${JSON.stringify(text)} (or not in that order)${said}`
    at = found + text.length
  }
  return null
}
