import { findProperty, PropertySpan } from '../message/property-bytes.ts'
import type { PropertyLookup } from './sql/evaluate.ts'

/** Names that one lookup keeps as bytes; beyond that they are encoded each time. */
const MAX_CACHED_NAMES = 256

/** Properties of a stored record, looked up in its bytes. One object is reused: `reset` it for each record. */
export class PropertyBytesLookup implements PropertyLookup {
  private readonly span = new PropertySpan()
  private readonly names = new Map<string, Uint8Array>()
  private buffer: Uint8Array = new Uint8Array(0)
  private start = 0
  private end = 0

  reset(buffer: Uint8Array, start: number, end: number): void {
    this.buffer = buffer
    this.start = start
    this.end = end
  }

  get(name: string): string | null {
    const { buffer, span } = this
    if (!findProperty(buffer, this.start, this.end, this.bytesOf(name), span)) return null
    const length = span.end - span.start
    return Buffer.from(buffer.buffer, buffer.byteOffset + span.start, length).toString('utf8')
  }

  private bytesOf(name: string): Uint8Array {
    const known = this.names.get(name)
    if (known !== undefined) return known
    const bytes = new Uint8Array(Buffer.from(name, 'utf8'))
    if (this.names.size < MAX_CACHED_NAMES) this.names.set(name, bytes)
    return bytes
  }
}
