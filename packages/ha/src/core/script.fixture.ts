import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { replayScript } from '@apogee/base/testing'

// See replayScript.
// `--rewrite` after the name of the test writes the answers anew, to be read before they are committed.

/** A command: its name, words and `key=value`s. */
export interface Command {
  readonly name: string
  readonly words: readonly string[]
  text(key: string, otherwise?: string): string
  number(key: string, otherwise?: number): number
}

export interface Script {
  /** What a command answers, line by line. */
  run(command: Command): string[]
}

/** Calls `check` with each script of a folder of testdata, and what it should be. */
export function replayFolder(
  folder: string,
  make: () => Script,
  check: (name: string, compare: () => { actual: string; expected: string }) => void,
): void {
  const url = new URL(`testdata/${folder}/`, import.meta.url)
  for (const name of readdirSync(url)) {
    const path = new URL(name, url)
    check(name.replace(/\.txt$/, '').replaceAll('-', ' '), () => {
      const expected = readFileSync(path, 'utf8')
      const script = make()
      const actual = replayScript(expected, (line) => script.run(parseCommand(line)))
      if (!process.argv.includes('--rewrite')) return { actual, expected }
      writeFileSync(path, actual)
      return { actual, expected: actual }
    })
  }
}

function parseCommand(line: string): Command {
  const [name = '', ...rest] = line.split(' ').filter((part) => part !== '')
  const values = new Map<string, string>()
  const words: string[] = []
  for (const part of rest) {
    const at = part.indexOf('=')
    if (at < 0) words.push(part)
    else values.set(part.slice(0, at), part.slice(at + 1))
  }
  const text = (key: string, otherwise?: string): string => {
    const value = values.get(key) ?? otherwise
    if (value === undefined) throw new Error(`${line}: ${key} is missing`)
    return value
  }
  const number = (key: string, otherwise?: number): number =>
    Number(text(key, otherwise === undefined ? undefined : String(otherwise)))
  return { name, words, text, number }
}
