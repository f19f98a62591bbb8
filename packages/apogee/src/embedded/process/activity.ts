/**
 * What is under way inside a cluster and ends by itself: calls to its disk, tasks for the end of a turn, connections being
 * made, bytes between two of its own sockets. While there is any, virtual time must not jump.
 */
export class Activity {
  private pending = 0
  /** Bytes on their way, by the ports of both ends; only of connections between processes of the cluster. */
  private readonly wires = new Map<string, number>()
  private readonly paused = new Set<string>()

  get isQuiet(): boolean {
    if (this.pending > 0) return false
    for (const bytes of this.wires.values()) if (bytes > 0) return false
    return true
  }

  begin(): void {
    this.pending++
  }

  end(): void {
    this.pending--
  }

  /** A process of the cluster has connected from `fromPort`. */
  connected(fromPort: number, toPort: number): void {
    this.wires.set(wire(fromPort, toPort), 0)
  }

  sent(fromPort: number, toPort: number, bytes: number): void {
    const name = wire(fromPort, toPort)
    const onTheWay = this.wires.get(name)
    if (onTheWay !== undefined) this.wires.set(name, Math.max(0, onTheWay + bytes))
  }

  arrived(fromPort: number, toPort: number, bytes: number): void {
    this.sent(fromPort, toPort, -bytes)
  }

  closed(fromPort: number, toPort: number): void {
    this.wires.delete(wire(fromPort, toPort))
    this.paused.delete(wire(fromPort, toPort))
  }

  /** One end is paused: what is sent to it is not waited for. */
  suspended(fromPort: number, toPort: number): void {
    if (this.wires.delete(wire(fromPort, toPort))) this.paused.add(wire(fromPort, toPort))
  }

  resumed(fromPort: number, toPort: number): void {
    if (this.paused.delete(wire(fromPort, toPort))) this.connected(fromPort, toPort)
  }

  /** What does not arrive is not waited for again. */
  forgetWires(): void {
    for (const name of this.wires.keys()) this.wires.set(name, 0)
  }
}

/** Both directions count together: what one end sends and the other has not got. */
function wire(fromPort: number, toPort: number): string {
  return fromPort < toPort ? `${fromPort}-${toPort}` : `${toPort}-${fromPort}`
}
