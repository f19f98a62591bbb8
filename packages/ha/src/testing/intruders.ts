import type { Net, Socket } from '@apogee/env'
import type { SimWorld } from '@apogee/env/sim'
import { demand } from './history-error.ts'
import { HA_PORT, MASTER_ADDRESS } from './history-options.ts'

/** From outside the allowed network, and from inside. */
const OUTSIDE = '10.9.0.9'
const INSIDE = '10.0.0.200'
/** More than a welcome and a refusal: then it was the log that came. */
const ANSWER_MAX = 400

interface Visit {
  socket: Socket
  fromInside: boolean
  heard: number
}

/** Peers that are no slaves: whatever they send, they hear nothing of the log. */
export class Intruders {
  private readonly nets: { inside: Net; outside: Net }
  private readonly visits: Visit[] = []

  constructor(world: SimWorld) {
    this.nets = { inside: world.network.host(INSIDE), outside: world.network.host(OUTSIDE) }
  }

  visit(fromInside: boolean, bytes: Buffer): void {
    const net = fromInside ? this.nets.inside : this.nets.outside
    const socket = net.connect({ host: MASTER_ADDRESS, port: HA_PORT, timeoutMs: 50 })
    const visit: Visit = { socket, fromInside, heard: 0 }
    this.visits.push(visit)
    socket.events = {
      connected: () => void socket.write(bytes),
      data: (heard) => {
        visit.heard += heard.length
      },
      drained() {},
      closed() {},
    }
  }

  leave(): void {
    for (const { socket } of this.visits) socket.destroy()
  }

  check(): void {
    for (const { fromInside, heard } of this.visits) {
      demand(heard <= (fromInside ? ANSWER_MAX : 0), 'an intruder hears', heard)
    }
  }
}
