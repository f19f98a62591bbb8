import { ApogeeError } from '@apogee/base'

// Properties as text: name 0x01 value 0x02, repeated; the last 0x02 may be missing. Every reader of RocketMQ goes by the
// same rule (Java MessageDecoder.string2messageProperties), and so do all functions here and in property-bytes.ts:
//   - 0x02 ends an entry, so a value cannot hold one; the first 0x01 ends the name, later ones belong to the value;
//   - an entry without 0x01, with an empty name or with an empty value is passed over;
//   - of several entries with one name the last counts.

/** Ends a name. */
export const NAME_VALUE_SEPARATOR = 0x01
/** Ends an entry. */
export const PROPERTY_SEPARATOR = 0x02

/** Reads properties text. Total: what is no entry is passed over. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>()
  let start = 0
  while (start < text.length) {
    let end = text.indexOf('\x02', start)
    if (end < 0) end = text.length
    const separator = text.indexOf('\x01', start)
    // No 0x01 in the rest of the text: no further entry, and no second search over the same bytes.
    if (separator < 0) break
    if (separator > start && separator < end - 1) {
      properties.set(text.slice(start, separator), text.slice(separator + 1, end))
    }
    start = end + 1
  }
  return properties
}

/** Whether every reader will find this property again as it is. */
export function propertyFits(name: string, value: string): boolean {
  return (
    name !== '' &&
    value !== '' &&
    !name.includes('\x01') &&
    !name.includes('\x02') &&
    !value.includes('\x02')
  )
}

/**
 * Writes properties as text, in the order of the map. Empty values are left out, since no reader sees them. Throws
 * PROPERTY_ILLEGAL for a property that would come back as something else: edges check with `propertyFits` first.
 */
export function formatProperties(properties: Iterable<readonly [string, string]>): string {
  let text = ''
  for (const [name, value] of properties) {
    if (value === '') continue
    if (!propertyFits(name, value)) {
      throw new ApogeeError(
        'PROPERTY_ILLEGAL',
        `property ${JSON.stringify(name)}: a separator (\\x01 or \\x02) inside, or no name`,
      )
    }
    text += `${name}\x01${value}\x02`
  }
  return text
}
