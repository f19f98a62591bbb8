import { type Command, Option } from 'commander'

export type OutputForm = 'table' | 'wide' | 'json' | 'yaml' | 'name'
export const OUTPUT_FORMS: readonly OutputForm[] = ['table', 'wide', 'json', 'yaml', 'name']

export interface OutputFlags {
  readonly output?: OutputForm
  /** False with --no-headers. */
  readonly headers?: boolean
}

/** `-o` and `--no-headers`. Some commands of mqadmin have an `-o` of their own: `isShortTaken`. */
export function addOutputOptions(command: Command, isShortTaken = false): Command {
  const flags = `${isShortTaken ? '' : '-o, '}--output <form>`
  return command
    .optionsGroup('Output:')
    .addOption(new Option(flags, 'form of the output').choices(OUTPUT_FORMS).default('table'))
    .option('--no-headers', 'tables without their first line')
}

/** What `-o` says somewhere in the words, for errors that come before options are read. */
export function isJsonAsked(words: readonly string[]): boolean {
  return words.some((word, place) => {
    if (/^(?:-o=?|--output=)json$/.test(word)) return true
    return (word === '-o' || word === '--output') && words[place + 1] === 'json'
  })
}
