/** A socket or listener that failed by our own rules; `code` as Node's own socket errors have it. */
export class NetFailure extends Error {
  override readonly name = 'NetFailure'
  readonly code: string

  constructor(code: string, message: string) {
    super(`${code}: ${message}`)
    this.code = code
  }
}
