import type { Env, TlsIdentity } from '@apogee/env'
import { type Logger, type ReloadableTlsIdentity, tlsIdentityFromFiles } from '@apogee/remoting'
import { ClientTls, type ConnectTls } from './client-tls.ts'
import { selfSignedIdentity } from './self-signed.ts'
import { tlsOnlyNet } from './tls-only-net.ts'
import type { TlsSettings } from './tls-settings.ts'

/** Files are looked at this often: a renewed certificate is taken without a word from anybody. */
const CHECK_MS = 30_000

/** What the servers and clients of this process take of TLS. */
export interface TlsPorts {
  /** The environment, with a Net that refuses plain connections when these are forbidden. */
  env: Env
  tls?: () => TlsIdentity | null
  clientTls?: ConnectTls
}

/** The certificates of this process; they reload by `reload`, and within 30 s after they changed. */
export class ProcessTls {
  readonly ports: TlsPorts
  private readonly identity: ReloadableTlsIdentity | null
  private readonly client: ClientTls | null

  /** Throws TLS_FILE_UNREADABLE, TLS_IDENTITY_INVALID. */
  constructor(settings: TlsSettings, env: Env, log: Logger) {
    const { client, clientEnabled, mode, selfSigned, server } = settings
    const { disk } = env
    this.identity = server === null ? null : tlsIdentityFromFiles(server, { disk, log })
    this.client = clientEnabled ? new ClientTls(client, log) : null
    this.ports = { env }
    if (mode === 'enforcing') {
      const refused = (remoteAddress: string): void => {
        log.debug?.({ event: 'plain_connection_refused', remoteAddress })
      }
      this.ports.env = { ...env, net: tlsOnlyNet(env.net, refused) }
    }
    if (this.identity !== null) this.ports.tls = this.identity.current
    else if (selfSigned) {
      log.warn(
        { event: 'tls_self_signed' },
        'tls.test.mode.enable: the certificate is made up at each start, clients cannot verify it',
      )
      const made = selfSignedIdentity()
      this.ports.tls = () => made
    }
    if (this.client !== null) this.ports.clientTls = this.client.options
    this.checkSoon(env)
  }

  reload(): void {
    this.identity?.reload()
    this.client?.reload()
  }

  private checkSoon(env: Env): void {
    env.clock.after(CHECK_MS, () => {
      this.reload()
      this.checkSoon(env)
    })
  }
}
