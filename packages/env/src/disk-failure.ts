import type { DiskError } from './ports.ts'

/** The one DiskError both implementations make: the errno name, the call, and the path it was made on. */
export class DiskFailure extends Error implements DiskError {
  override readonly name = 'DiskFailure'
  readonly code: string
  readonly call: string
  readonly path: string

  constructor(code: string, call: string, path: string, options?: { cause?: unknown }) {
    super(`${code}: ${call} ${path}`, options)
    this.code = code
    this.call = call
    this.path = path
  }
}

/**
 * The DiskFailure for what a file-system call threw. Anything without an errno name (a bad argument, say) is a bug of
 * ours and is thrown on unchanged.
 */
export function diskFailure(error: unknown, call: string, path: string): DiskFailure {
  if (error instanceof DiskFailure) return error
  const code = errorField(error, 'code')
  if (typeof code !== 'string' || code.startsWith('ERR_')) throw error
  return new DiskFailure(code, call, path, { cause: error })
}

/**
 * A field of whatever was thrown. Test runners (Jest) run code in a realm of its own, where an error of Node's is no
 * `instanceof Error`.
 */
export function errorField(error: unknown, field: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, field) : undefined
}
