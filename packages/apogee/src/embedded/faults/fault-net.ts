import type { Clock, ConnectOptions, Listener, ListenOptions, Net, Socket } from '@apogee/env'
import type { FaultRules } from './fault-rules.ts'
import { FaultSocket } from './fault-socket.ts'

/** The network of one node, with planned faults on the connections that it accepts. */
export class FaultNet implements Net {
  private readonly net: Net
  private readonly node: string
  private readonly rules: FaultRules
  private readonly clock: Clock

  constructor(net: Net, node: string, rules: FaultRules, clock: Clock) {
    this.net = net
    this.node = node
    this.rules = rules
    this.clock = clock
  }

  listen(
    options: ListenOptions,
    accept: (socket: Socket) => void,
    ready: (error: Error | null, port: number) => void,
  ): Listener {
    const withFaults = (socket: Socket): void =>
      accept(new FaultSocket(socket, this.node, this.rules, this.clock))
    return this.net.listen(options, withFaults, ready)
  }

  connect(options: ConnectOptions): Socket {
    return this.net.connect(options)
  }
}
