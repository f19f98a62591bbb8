import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ApogeeError } from '@apogee/base'
import type { ConnectOptions } from '@apogee/env'
import type { Logger } from '@apogee/remoting'
import type { TlsClientFiles } from './tls-settings.ts'

export type ConnectTls = NonNullable<ConnectOptions['tls']>

/** How we connect by TLS. `options` is one object for life: connections made after a reload find the new files in it. */
export class ClientTls {
  readonly options: ConnectTls
  private readonly files: TlsClientFiles
  private readonly log: Logger

  /** Throws TLS_FILE_UNREADABLE, TLS_IDENTITY_INVALID. */
  constructor(files: TlsClientFiles, log: Logger) {
    this.files = files
    this.log = log
    this.options = readOptions(files)
  }

  /** Reads the files again; bad ones are logged, and the old ones stay. */
  reload(): void {
    try {
      Object.assign(this.options, readOptions(this.files))
    } catch (error) {
      this.log.error({ event: 'tls_client_files_bad', err: error })
    }
  }
}

function readOptions({ authServer, ca, cert, key }: TlsClientFiles): ConnectTls {
  const options: ConnectTls = { rejectUnauthorized: authServer }
  if (ca !== undefined) options.ca = read(ca, (text) => new X509Certificate(text))
  if (cert !== undefined) options.cert = read(cert, (text) => new X509Certificate(text))
  if (key !== undefined) options.key = read(key, (text) => createPrivateKey(text))
  return options
}

function read(path: string, parse: (text: string) => unknown): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new ApogeeError('TLS_FILE_UNREADABLE', `${path}: ${(cause as Error).message}`, { cause })
  }
  try {
    parse(text)
  } catch (cause) {
    throw new ApogeeError('TLS_IDENTITY_INVALID', `${path} holds no usable PEM`, { cause })
  }
  return text
}
