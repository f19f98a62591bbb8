/** A socket that our own rules closed; `code` as Node's own socket errors have it. */
export class NetFailure extends Error {
  override readonly name = 'NetFailure'
  readonly code: string

  constructor(code: string, message: string) {
    super(`${code}: ${message}`)
    this.code = code
  }
}
