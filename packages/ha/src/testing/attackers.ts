import type { Prng } from '@apogee/base'
import type { Clock, Net, Socket } from '@apogee/env'
import type { SimWorld } from '@apogee/env/sim'
import { type Attack, drawAttack, type Target } from './attacks.ts'
import { demand } from './history-error.ts'
import { HA_PORT, MASTER_ADDRESS } from './history-options.ts'

/** More than a welcome and a refusal: then it was something else that came. */
const HEARD_MAX = 500
/** The magic of a record: no answer to an attacker has it. */
const RECORD_MAGIC = Buffer.from('daa320a7', 'hex')

/** Peers that are no slaves, by the thousand, from inside the allowed network and from outside. */
export class Attackers {
  connections = 0
  /** Those that are not closed. */
  open = 0
  readonly byName: Map<string, number> = new Map()
  private readonly clock: Clock
  private readonly prng: Prng
  private readonly nets: Net[]
  private readonly sockets = new Set<Socket>()
  private outsideHeard = 0
  private breach: string | null = null

  constructor(world: SimWorld, prng: Prng, addresses: readonly string[]) {
    this.clock = world.clock
    this.prng = prng
    this.nets = addresses.map((address) => world.network.host(address))
  }

  /** One connection from one of the addresses. */
  attack(target: Target): void {
    const net = this.nets[this.prng.below(this.nets.length)]!
    this.run(net, drawAttack(this.prng, target))
  }

  leave(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  check(): void {
    demand(this.breach === null, 'an attacker', this.breach, this.outsideHeard)
  }

  private run(net: Net, attack: Attack): void {
    this.connections++
    this.open++
    this.byName.set(attack.name, (this.byName.get(attack.name) ?? 0) + 1)
    const socket = net.connect({ host: MASTER_ADDRESS, port: HA_PORT, timeoutMs: 50 })
    this.sockets.add(socket)
    let heard = 0
    socket.events = {
      connected: () => this.send(socket, attack, 0),
      data: (bytes) => {
        heard += bytes.length
        if (heard > HEARD_MAX) this.breach ??= `${attack.name}: ${heard} bytes are heard`
        if (bytes.includes(RECORD_MAGIC)) this.breach ??= `${attack.name}: the log is heard`
      },
      drained() {},
      closed: () => {
        this.open--
        this.sockets.delete(socket)
      },
    }
  }

  private send(socket: Socket, attack: Attack, index: number): void {
    const piece = attack.pieces[index]
    if (piece === undefined || !this.sockets.has(socket)) return
    socket.write(piece)
    this.clock.after(attack.pauseMs, () => this.send(socket, attack, index + 1))
  }
}
