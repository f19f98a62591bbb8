import type { Command } from 'commander'
import type { PrintOptions } from '../config/print-config.ts'

export interface PrintFlags {
  printConfigItem?: boolean
  printImportantConfig?: boolean
  printConfig?: string | true
}

/** RocketMQ's `-p` and `-m`, and the one that says more. */
export function addPrintOptions(command: Command): Command {
  return command
    .option('-p, --print-config-item', 'print every key with its value, and end')
    .option('-m, --print-important-config', 'print the important ones, and end')
    .option('--print-config [format]', 'the same; =json tells where each value came from')
}

/** Null when nothing is to be printed. */
export function printFormat(flags: PrintFlags): PrintOptions | null {
  const { printConfig, printConfigItem, printImportantConfig } = flags
  const asked = printConfigItem === true || printConfig !== undefined
  if (!asked && printImportantConfig !== true) return null
  return { important: !asked, json: printConfig === 'json' }
}
