import type {
  Clock,
  ConnectOptions,
  Disk,
  Env,
  Listener,
  ListenOptions,
  Net,
  Random,
  Socket,
  Timer,
} from '@apogee/env'

/** The simulator's sockets know whether they are closed. */
type SimulatedSocket = Socket & { readonly isClosed: boolean }

/** The ports of one process, counted: what is left after a stop has leaked, and what waits in sockets has a limit. */
export class TrackedEnv implements Env {
  readonly clock: TrackedClock
  readonly net: TrackedNet
  readonly random: Random
  readonly disk: Disk

  constructor(env: Env) {
    this.clock = new TrackedClock(env.clock)
    this.net = new TrackedNet(env.net)
    this.random = env.random
    this.disk = env.disk
  }
}

export class TrackedClock implements Clock {
  /** Timers that have neither run nor been cancelled. */
  timers = 0
  private readonly clock: Clock

  constructor(clock: Clock) {
    this.clock = clock
  }

  monotonicMs(): number {
    return this.clock.monotonicMs()
  }

  wallMs(): number {
    return this.clock.wallMs()
  }

  after(delayMs: number, task: () => void): Timer {
    let isOpen = true
    this.timers++
    const end = (): void => {
      if (isOpen) this.timers--
      isOpen = false
    }
    const timer = this.clock.after(delayMs, () => {
      end()
      task()
    })
    return {
      cancel: () => {
        end()
        timer.cancel()
      },
    }
  }

  soon(task: () => void): void {
    this.clock.soon(task)
  }

  endOfEvent(task: () => void): void {
    this.clock.endOfEvent(task)
  }
}

export class TrackedNet implements Net {
  listeners = 0
  /** Connections that came in, ever. */
  accepted = 0
  private readonly net: Net
  private readonly all = new Set<SimulatedSocket>()

  constructor(net: Net) {
    this.net = net
  }

  listen(
    options: ListenOptions,
    accept: (socket: Socket) => void,
    ready: (error: Error | null, port: number) => void,
  ): Listener {
    const listener = this.net.listen(
      options,
      (socket) => {
        this.accepted++
        this.all.add(socket as SimulatedSocket)
        accept(socket)
      },
      ready,
    )
    let isOpen = true
    this.listeners++
    return {
      get port() {
        return listener.port
      },
      close: (done) => {
        if (isOpen) this.listeners--
        isOpen = false
        listener.close(done)
      },
    }
  }

  connect(options: ConnectOptions): Socket {
    const socket = this.net.connect(options)
    this.all.add(socket as SimulatedSocket)
    return socket
  }

  /** Those that are not closed. */
  sockets(): Socket[] {
    for (const socket of this.all) if (socket.isClosed) this.all.delete(socket)
    return [...this.all]
  }

  /** Most bytes that wait in one socket. */
  pendingBytes(): number {
    let most = 0
    for (const socket of this.all) if (!socket.isClosed) most = Math.max(most, socket.pendingBytes)
    return most
  }
}
