import type { ConfigKey, ConfigValue } from './config-key.ts'

/** The value that `text` stands for, or what is wrong with it as a sentence for people. */
export function parseValue(
  row: ConfigKey,
  text: string,
): { value: ConfigValue } | { problem: string } {
  const trimmed = text.trim()
  switch (row.type) {
    case 'string':
      return { value: trimmed }
    case 'bool':
      return parseBool(trimmed)
    case 'enum':
      return parseChoice(row, trimmed)
    default:
      return parseNumber(row, trimmed)
  }
}

function parseBool(text: string): { value: boolean } | { problem: string } {
  const lower = text.toLowerCase()
  if (lower === 'true') return { value: true }
  if (lower === 'false') return { value: false }
  return { problem: 'must be true or false' }
}

function parseChoice(row: ConfigKey, text: string): { value: string } | { problem: string } {
  const choices = row.choices ?? []
  if (choices.includes(text)) return { value: text }
  return { problem: `must be one of ${choices.join(', ')}` }
}

function parseNumber(row: ConfigKey, text: string): { value: number } | { problem: string } {
  const form = row.type === 'double' ? /^-?\d+(\.\d+)?$/ : /^-?\d+$/
  if (!form.test(text)) {
    return { problem: row.type === 'double' ? 'must be a number' : 'must be a whole number' }
  }
  const value = Number(text)
  if (row.min !== undefined && value < row.min) return { problem: `must be at least ${row.min}` }
  if (row.max !== undefined && value > row.max) return { problem: `must be at most ${row.max}` }
  return { value }
}
