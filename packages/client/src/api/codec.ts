/** How values become bodies and back. */
export interface Codec<T> {
  encode(value: T): Uint8Array
  /** Throws when the bytes are not of its form; the message then fails with RMQ_CODEC, as if its handler had thrown. */
  decode(bytes: Buffer): T
}

/** What a validator of the Standard Schema form is to us. */
export interface StandardSchema<T> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    validate(
      value: unknown,
    ):
      | { value: T; issues?: undefined }
      | { issues: readonly { message: string }[] }
      | Promise<unknown>
  }
}
