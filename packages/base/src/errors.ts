/** An operating error that crosses an API edge. `code` is stable and documented; the message is for people. */
export class ApogeeError extends Error {
  override readonly name = 'ApogeeError'
  readonly code: string

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/**
 * What a decoder returns instead of a value when the bytes are not of its form. Decoders are total: they return a
 * `Malformed`, they never throw it, and they never allocate by a length they have not checked.
 */
export class Malformed {
  /** Stable, UPPER_SNAKE: what is wrong. */
  readonly code: string
  /** For people: where and what. */
  readonly detail: string

  constructor(code: string, detail: string) {
    this.code = code
    this.detail = detail
  }
}

export type Decoded<T> = T | Malformed

export function isMalformed(value: unknown): value is Malformed {
  return value instanceof Malformed
}
