import type { Env } from '@apogee/env'
import { NameServer } from '@apogee/namesrv'
import { EmbeddedNode, type NodeDeps, type Server } from './node.ts'

/** The longest that the table allows, s: a day. Brokers say something every 30 s. */
const PATIENT_IDLE_S = 86_400

/** A NameServer of a cluster. It keeps its KV config; what it knows of brokers goes with its process. */
export class NamesrvNode extends EmbeddedNode<Server> {
  private readonly folder: string
  private readonly isVirtual: boolean

  constructor(index: number, root: string, isVirtual: boolean, deps: NodeDeps) {
    const name = `namesrv-${index + 1}`
    super(name, deps)
    this.folder = `${root}/${name}`
    this.isVirtual = isVirtual
  }

  protected async boot(env: Env): Promise<Server> {
    const { log } = this.deps
    const values = {
      listenPort: 0,
      bindAddress: '127.0.0.1',
      kvConfigPath: `${this.folder}/kvConfig.json`,
      configStorePath: `${this.folder}/namesrv.conf`,
      ...(this.isVirtual ? { serverChannelMaxIdleTimeSeconds: PATIENT_IDLE_S } : {}),
    }
    const server = new NameServer(values, { env, log })
    const { port } = await server.start()
    return { address: `127.0.0.1:${port}`, stop: (graceMs) => server.stop(graceMs) }
  }
}
