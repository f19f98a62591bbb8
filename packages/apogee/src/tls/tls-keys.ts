/** How a server treats TLS and plain connections on its port (Java: TlsMode). */
export type TlsMode = 'disabled' | 'permissive' | 'enforcing'

export const tlsModes: readonly TlsMode[] = ['disabled', 'permissive', 'enforcing']

/** One key of RocketMQ's tls.properties. */
export interface TlsKey {
  readonly key: string
  readonly type: 'bool' | 'path' | 'secret' | 'choice'
  readonly choices?: readonly string[]
}

/**
 * Every key of Java's TlsSystemConfig. Apache reads mode and `tls.enable` from the command line alone; here the file
 * may hold them too.
 */
export const tlsKeys: readonly TlsKey[] = [
  { key: 'tls.enable', type: 'bool' },
  { key: 'tls.test.mode.enable', type: 'bool' },
  { key: 'tls.server.mode', type: 'choice', choices: tlsModes },
  {
    key: 'tls.server.need.client.auth',
    type: 'choice',
    choices: ['none', 'optional', 'require'],
  },
  { key: 'tls.server.keyPath', type: 'path' },
  { key: 'tls.server.keyPassword', type: 'secret' },
  { key: 'tls.server.certPath', type: 'path' },
  { key: 'tls.server.authClient', type: 'bool' },
  { key: 'tls.server.trustCertPath', type: 'path' },
  { key: 'tls.client.keyPath', type: 'path' },
  { key: 'tls.client.keyPassword', type: 'secret' },
  { key: 'tls.client.certPath', type: 'path' },
  { key: 'tls.client.authServer', type: 'bool' },
  { key: 'tls.client.trustCertPath', type: 'path' },
]
