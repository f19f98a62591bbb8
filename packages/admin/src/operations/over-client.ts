import { ApogeeError } from '@apogee/base'
import type { RocketMQOptions } from '@apogee/client'
import type { ClientInstance } from '@apogee/client/internal'
import { RemotingError } from '@apogee/remoting'
import { type AdminConnections, AdminTransport } from '../transport/admin-transport.ts'
import { Admin } from './admin.ts'

/** What of a client is used: its connections, which also sign. */
export type AdminClient = Pick<ClientInstance, 'env' | 'nameServers' | 'remote'>

/**
 * Administration with the options of a `RocketMQ` object: NameServers, credentials, TLS. Connections are its own; `close`
 * ends them. Names are whole: a `namespace` is not added. Rejects with RMQ_INVALID_ARGUMENT.
 */
export async function connectAdmin(options: RocketMQOptions = {}): Promise<Admin> {
  // Who brings connections along, as the command line does, need not load a client.
  const { createClient } = await import('@apogee/client/internal')
  const client = createClient(options)
  return over(client, () => client.close())
}

/** Administration through the connections of a client that goes on to live: `close` leaves them open. */
export function adminOver(client: AdminClient): Admin {
  return over(client, () => Promise.resolve())
}

function over(client: AdminClient, close: () => Promise<void>): Admin {
  const connections: AdminConnections = {
    invoke: async (address, request, timeoutMs) => {
      try {
        return await client.remote.invoke(address, request, timeoutMs)
      } catch (error) {
        throw remotingError(error)
      }
    },
    close,
  }
  const options = { namesrvAddrs: client.nameServers.addresses }
  return new Admin(new AdminTransport(options, client.env, connections))
}

/** The client's errors have the one of remoting as their cause; one without a cause comes from a client that is closed. */
function remotingError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  if (error.cause instanceof ApogeeError) return error.cause
  if (error.code !== 'RMQ_CLOSED') return error
  return new ApogeeError(RemotingError.CLOSED, error.message, { cause: error })
}
