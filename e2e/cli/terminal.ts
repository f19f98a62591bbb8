// A real terminal without a screen: a shell within tmux, whose keys the test presses and whose screen it reads.
import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { bin } from './cli-target.ts'

const run = promisify(execFile)
const LOOK_MS = 50
const WAIT_LIMIT_MS = 30_000
/** The terminal shows `^C` where it was pressed. */
const EXIT_CODE = /^(?:\^C)*code=(\d+)$/m
const PROMPT = 'apogee-e2e>'

let terminals = 0

/** A shell in which `apogee` is the program under test. */
export class Terminal {
  private readonly socket = `apogee-e2e-${process.pid}-${terminals++}`

  static async open(
    environment: Readonly<Record<string, string>>,
    size: { columns: number; rows: number } = { columns: 100, rows: 40 },
  ): Promise<Terminal> {
    const terminal = new Terminal()
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`)
    const path = `PATH=${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
    const shell = [
      'env',
      '-u',
      'NO_COLOR',
      '-u',
      'FORCE_COLOR',
      '-u',
      'NODE_TEST_CONTEXT',
      path,
      ...variables,
      `PS1=${PROMPT} `,
    ]
    const sizes = ['-x', String(size.columns), '-y', String(size.rows)]
    await terminal.tmux('new-session', '-d', ...sizes, ...shell, 'bash', '--norc', '--noprofile')
    await terminal.waitFor(/apogee-e2e>/)
    await terminal.type(`apogee() { node '${bin}' "$@"; }`)
    await terminal.clear()
    return terminal
  }

  /** Types a line and presses Enter. */
  async type(line: string): Promise<void> {
    await this.tmux('send-keys', '-l', line)
    await this.key('Enter')
  }

  /** `C-c`, `Enter`, `y`, … as tmux names keys. */
  async key(name: string): Promise<void> {
    await this.tmux('send-keys', name)
  }

  /** What is on the screen; with `styled`, with its colours. */
  async screen(isStyled = false): Promise<string> {
    const { stdout } = await this.tmux('capture-pane', '-p', ...(isStyled ? ['-e'] : []))
    return stdout
  }

  /** The screen, once it shows this. */
  async waitFor(pattern: RegExp): Promise<string> {
    const endMs = performance.now() + WAIT_LIMIT_MS
    for (;;) {
      const screen = await this.screen()
      if (pattern.test(screen)) return screen
      if (performance.now() > endMs) throw new Error(`no ${pattern} on the screen:\n${screen}`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  /** Runs a line to its end; gives the screen and the exit code of its (first) program. */
  async command(line: string): Promise<{ screen: string; code: number }> {
    await this.type(`${line}; echo "code=\${PIPESTATUS[0]}"`)
    return await this.finished()
  }

  /** Waits for the end of a line that was begun with `begin`. */
  async finished(): Promise<{ screen: string; code: number }> {
    const screen = await this.waitFor(EXIT_CODE)
    const code = Number(EXIT_CODE.exec(screen)![1])
    await this.clear()
    return { screen, code }
  }

  /** Begins a line; its end is waited for by `finished`. */
  async begin(line: string): Promise<void> {
    await this.type(`${line}; echo "code=\${PIPESTATUS[0]}"`)
  }

  /** After a line of `type`: an empty screen again. */
  finishedIdle(): Promise<void> {
    return this.clear()
  }

  async close(): Promise<void> {
    await this.tmux('kill-server')
  }

  private async clear(): Promise<void> {
    await this.type('clear')
    await this.waitFor(/^apogee-e2e>\s*$/)
  }

  private tmux(...words: string[]): Promise<{ stdout: string; stderr: string }> {
    return run('tmux', ['-L', this.socket, '-f', '/dev/null', ...words])
  }
}
