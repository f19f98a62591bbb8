import type { ClientRequest, Response } from '@apogee/remoting'
import type { AdminConnections } from './admin-transport.ts'

interface Server {
  /** Set once it has not answered. */
  failure: { readonly error: unknown } | null
  readonly waiting: Set<(error: unknown) => void>
}

/**
 * Connections that remember who did not answer: requests to that server that wait, and later ones, fail at once with the
 * same error. For a short piece of work that asks every server several times, so that a dead one is waited for once.
 */
export class SparingConnections implements AdminConnections {
  private readonly connections: AdminConnections
  private readonly servers = new Map<string, Server>()

  constructor(connections: AdminConnections) {
    this.connections = connections
  }

  invoke(address: string, request: ClientRequest, timeoutMs: number): Promise<Response> {
    const server = this.server(address)
    if (server.failure !== null) return Promise.reject(server.failure.error)
    return new Promise((resolve, reject) => {
      server.waiting.add(reject)
      this.connections.invoke(address, request, timeoutMs).then(
        (response) => {
          server.waiting.delete(reject)
          resolve(response)
        },
        (error: unknown) => {
          server.failure ??= { error }
          for (const fail of server.waiting) fail(error)
          server.waiting.clear()
        },
      )
    })
  }

  /** The connections belong to somebody else. */
  close(): Promise<void> {
    return Promise.resolve()
  }

  private server(address: string): Server {
    let server = this.servers.get(address)
    if (server === undefined) {
      server = { failure: null, waiting: new Set() }
      this.servers.set(address, server)
    }
    return server
  }
}
