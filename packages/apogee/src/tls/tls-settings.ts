import { resolve } from 'node:path'
import type { TlsFiles } from '@apogee/remoting'
import { type ConfEntry, readConfFile } from '../config/conf-file.ts'
import { badValue, type Origin, type PlacedProblem, unknownKey } from '../config/placed-problem.ts'
import { type TlsKey, type TlsMode, tlsKeys, tlsModes } from './tls-keys.ts'

/** What the command line says about TLS. */
export interface TlsFlags {
  tlsConfig?: string
  tlsCert?: string
  tlsKey?: string
  tlsCa?: string
  tlsMode?: string
}

/** How connections that we make are encrypted: absolute paths of PEM files. */
export interface TlsClientFiles {
  key?: string
  cert?: string
  ca?: string
  /** Refuse servers that `ca`, or a public authority when there is none, did not sign, or of another name. */
  authServer: boolean
}

export interface TlsSettings {
  mode: TlsMode
  /** Null when the mode is `disabled`, and for a self-signed identity. */
  server: TlsFiles | null
  /** No files but the mode wants TLS: a certificate is made up, unless tls.test.mode.enable is false. */
  selfSigned: boolean
  /** `tls.enable`: connections to NameServers and brokers are encrypted. */
  clientEnabled: boolean
  client: TlsClientFiles
}

export function hasTlsFlags(flags: TlsFlags): boolean {
  const { tlsCa, tlsCert, tlsConfig, tlsKey, tlsMode } = flags
  return [tlsCa, tlsCert, tlsConfig, tlsKey, tlsMode].some((flag) => flag !== undefined)
}

/**
 * TLS by tls.properties (RocketMQ's keys) and flags, which win. Throws CONFIG_UNREADABLE; problems are data. Java:
 * TlsSystemConfig, TlsHelper.
 */
export function tlsSettings(flags: TlsFlags): { tls: TlsSettings; problems: PlacedProblem[] } {
  const reader = new TlsReader()
  if (flags.tlsConfig !== undefined) reader.readFile(flags.tlsConfig)
  reader.put('tls.server.certPath', flags.tlsCert, '--tls-cert')
  reader.put('tls.server.keyPath', flags.tlsKey, '--tls-key')
  reader.put('tls.server.trustCertPath', flags.tlsCa, '--tls-ca')
  if (flags.tlsCa !== undefined) reader.put('tls.server.need.client.auth', 'require', '--tls-ca')
  reader.put('tls.server.mode', flags.tlsMode, '--tls-mode')
  return { tls: reader.settings(), problems: reader.problems }
}

class TlsReader {
  readonly problems: PlacedProblem[] = []
  private readonly values = new Map<string, { value: string; origin: Origin }>()

  readFile(path: string): void {
    for (const entry of readConfFile(path)) this.putEntry(path, entry)
  }

  put(key: string, value: string | undefined, flag: string): void {
    if (value !== undefined) this.set(key, value, { kind: 'flag', name: flag })
  }

  settings(): TlsSettings {
    const server = this.pair('server')
    const mode = this.mode(server !== null)
    const selfSigned = server === null && mode !== 'disabled'
    if (selfSigned && this.flag('tls.test.mode.enable') === false) {
      this.bad('tls.server.mode', `${mode} needs a certificate: --tls-cert and --tls-key`)
    }
    const client = this.pair('client')
    const ca = this.text('tls.client.trustCertPath')
    const authServer = this.flag('tls.client.authServer') === true
    return {
      mode,
      server: mode === 'disabled' || server === null ? null : { ...server, ...this.clientAuth() },
      selfSigned,
      clientEnabled: this.flag('tls.enable') === true,
      client: { ...client, ...(ca === '' ? {} : { ca }), authServer },
    }
  }

  private putEntry(path: string, { key, line, value }: ConfEntry): void {
    this.set(key, value, { kind: 'file', name: `${path}:${line}` })
  }

  private set(key: string, value: string, origin: Origin): void {
    const row = tlsKeys.find((one) => one.key === key)
    const said = value.trim()
    if (row === undefined) {
      const keys = tlsKeys.map((one) => one.key)
      this.problems.push(unknownKey(key, said, origin, keys))
      return
    }
    const problem = problemOf(row, said)
    if (problem !== null) {
      this.problems.push(badValue(key, row.type === 'secret' ? '***' : said, origin, problem))
      return
    }
    const kept = row.type === 'path' && said !== '' ? resolve(said) : said
    this.values.set(key, { value: kept, origin })
  }

  private mode(hasCertificate: boolean): TlsMode {
    const said = this.text('tls.server.mode').toLowerCase()
    const mode = tlsModes.find((one) => one === said)
    if (mode !== undefined) return mode
    return hasCertificate || this.flag('tls.test.mode.enable') === true ? 'permissive' : 'disabled'
  }

  private pair(side: 'server' | 'client'): { key: string; cert: string } | null {
    const key = this.text(`tls.${side}.keyPath`)
    const cert = this.text(`tls.${side}.certPath`)
    if (key !== '' && cert !== '') return { key, cert }
    if (key !== '') this.bad(`tls.${side}.keyPath`, 'a key without its certificate')
    if (cert !== '') this.bad(`tls.${side}.certPath`, 'a certificate without its key')
    return null
  }

  /** Certificates of clients are asked for when they are required, and then verified: nothing else uses them. */
  private clientAuth(): Partial<TlsFiles> {
    const wanted = this.text('tls.server.need.client.auth').toLowerCase()
    const ca = this.text('tls.server.trustCertPath')
    if (wanted === 'optional') {
      this.note('tls.server.need.client.auth', 'certificates are asked for only where required')
    }
    if (wanted !== 'require') return {}
    if (ca !== '') return { ca, requireClientCert: true }
    this.bad('tls.server.need.client.auth', 'require needs tls.server.trustCertPath')
    return {}
  }

  private text(key: string): string {
    return this.values.get(key)?.value ?? ''
  }

  private flag(key: string): boolean | null {
    const text = this.text(key).toLowerCase()
    return text === '' ? null : text === 'true'
  }

  private note(key: string, message: string): void {
    const said = this.values.get(key)
    const code = 'CONFIG_KEY_IGNORED'
    const place = { value: said?.value ?? '', origin: said?.origin ?? null }
    this.problems.push({ code, severity: 'info', key, message, ...place })
  }

  private bad(key: string, message: string): void {
    const said = this.values.get(key)
    this.problems.push(badValue(key, said?.value ?? '', said?.origin ?? null, message))
  }
}

function problemOf(row: TlsKey, text: string): string | null {
  if (row.type === 'bool' && !/^(true|false)$/i.test(text)) return 'must be true or false'
  if (row.choices !== undefined && !row.choices.includes(text.toLowerCase())) {
    return `must be one of ${row.choices.join(', ')}`
  }
  if (row.type !== 'secret' || text === '') return null
  return 'keys with a password cannot be read; take it off with: openssl pkey'
}
