import { createPrivateKey, X509Certificate } from 'node:crypto'
import { ApogeeError } from '@apogee/base'
import type { Disk, TlsIdentity } from '@apogee/env'
import type { Logger } from './logger.ts'

/** No PEM file is larger; what is, is something else. */
const FILE_SIZE_MAX = 1024 * 1024

/** Absolute paths of PEM files. */
export interface TlsFiles {
  key: string
  cert: string
  ca?: string
  /** Refuse clients without a certificate of `ca`. Default false. */
  requireClientCert?: boolean
}

/** A TLS identity that can be replaced while connections go on (Java: TlsHelper, FileWatchService). */
export class ReloadableTlsIdentity {
  private readonly files: TlsFiles
  private readonly disk: Disk
  private readonly log: Logger
  private identity: TlsIdentity

  constructor(files: TlsFiles, identity: TlsIdentity, disk: Disk, log: Logger) {
    this.files = files
    this.identity = identity
    this.disk = disk
    this.log = log
  }

  /** For `RemotingServerOptions.tls`: what the next handshake uses. The same object until something changed. */
  readonly current = (): TlsIdentity => this.identity

  /** Reads the files again. Returns whether there is a new identity; a bad one is logged, and the old one stays. */
  reload(): boolean {
    try {
      const fresh = readIdentity(this.files, this.disk)
      if (sameIdentity(fresh, this.identity)) return false
      this.identity = fresh
      this.log.info({ event: 'tls_identity_reloaded', cert: this.files.cert })
      return true
    } catch (error) {
      this.log.error({ event: 'tls_identity_bad', cert: this.files.cert, err: error })
      return false
    }
  }
}

/** Reads key and certificates. Throws TLS_FILE_UNREADABLE, TLS_IDENTITY_INVALID (no PEM, or the key is another's). */
export function tlsIdentityFromFiles(
  files: TlsFiles,
  deps: { disk: Disk; log: Logger },
): ReloadableTlsIdentity {
  const identity = readIdentity(files, deps.disk)
  return new ReloadableTlsIdentity(files, identity, deps.disk, deps.log)
}

function readIdentity(files: TlsFiles, disk: Disk): TlsIdentity {
  const key = readSmallFile(disk, files.key)
  const cert = readSmallFile(disk, files.cert)
  checkPair(files, key, cert)
  const identity: TlsIdentity = { key, cert }
  if (files.ca !== undefined) {
    identity.ca = readSmallFile(disk, files.ca)
    parse(files.ca, () => new X509Certificate(Buffer.from(identity.ca as string)))
  }
  if (files.requireClientCert === true) identity.requireClientCert = true
  return identity
}

function checkPair(files: TlsFiles, key: string, cert: string): void {
  const certificate = parse(files.cert, () => new X509Certificate(cert))
  const privateKey = parse(files.key, () => createPrivateKey(key))
  if (certificate.checkPrivateKey(privateKey)) return
  const text = `${files.key} is not the key of ${files.cert}`
  throw new ApogeeError('TLS_IDENTITY_INVALID', text)
}

function parse<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new ApogeeError('TLS_IDENTITY_INVALID', `${path} holds no usable PEM`, { cause })
  }
}

function readSmallFile(disk: Disk, path: string): string {
  try {
    const file = disk.open(path)
    try {
      const size = file.size()
      if (size > FILE_SIZE_MAX) throw new Error(`${size} bytes, at most ${FILE_SIZE_MAX}`)
      const bytes = Buffer.alloc(size)
      return bytes.toString('utf8', 0, file.readNow(bytes, 0, size, 0))
    } finally {
      file.close()
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ApogeeError('TLS_FILE_UNREADABLE', `${path}: ${why}`, { cause })
  }
}

function sameIdentity(a: TlsIdentity, b: TlsIdentity): boolean {
  return a.key === b.key && a.cert === b.cert && a.ca === b.ca
}
