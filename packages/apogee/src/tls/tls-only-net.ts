import type { ListenOptions, Net, Socket, SocketEvents } from '@apogee/env'

/**
 * A Net that closes accepted connections whose first byte is no TLS handshake (tls.server.mode=enforcing). After that
 * byte nothing of it is left in the way of a connection.
 */
export function tlsOnlyNet(net: Net, refused: (remoteAddress: string) => void): Net {
  return {
    listen: (options: ListenOptions, accept, ready) => {
      const acceptTls = (socket: Socket): void => {
        accept(socket)
        socket.events = untilEncrypted(socket, refused)
      }
      return net.listen(options, acceptTls, ready)
    },
    connect: (options) => net.connect(options),
  }
}

function untilEncrypted(socket: Socket, refused: (remoteAddress: string) => void): SocketEvents {
  const owner = socket.events
  return {
    data: (bytes) => {
      if (socket.encrypted) {
        socket.events = owner
        owner.data(bytes)
        return
      }
      refused(socket.remoteAddress)
      socket.destroy(new Error('a connection without TLS, where it is required'))
    },
    drained: () => owner.drained(),
    closed: (error) => owner.closed(error),
  }
}
