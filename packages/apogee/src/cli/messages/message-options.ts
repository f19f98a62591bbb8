import { type Command, InvalidArgumentError, Option } from 'commander'

/** How messages are shown. */
export interface MessageOutputFlags {
  readonly output?: 'text' | 'json'
  readonly format?: string
}

export function addMessageOutputOptions(command: Command): Command {
  return command
    .optionsGroup('Output:')
    .addOption(
      new Option(
        '-o, --output <form>',
        'text (on a terminal), or one line of JSON each (elsewhere)',
      ).choices(['text', 'json']),
    )
    .option('--format <template>', 'a template for each message; see below')
}

export const FORMAT_HELP = `
Fields of --format: {{topic}} {{tag}} {{key}} {{keys}} {{body}} {{base64}}
  {{size}} {{time}} {{timeMs}} {{bornTime}} {{bornTimeMs}} {{bornHost}}
  {{storeHost}} {{broker}} {{queue}} {{offset}} {{id}} {{offsetId}}
  {{shardingKey}} {{reconsumeTimes}} {{property.NAME}} {{json}}; \\n \\t \\0.
`

/** For options that take a whole number from 0 (or `min`) on. */
export function wholeNumber(min = 0, max = 0x7fffffff): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^[0-9]+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`not a whole number (${min} to ${max})`)
    }
    return value
  }
}

/** For options that may be given several times. */
export function repeated(text: string, before: readonly string[]): string[] {
  return [...before, text]
}
