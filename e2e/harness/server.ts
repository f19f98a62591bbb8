// A server process that can be killed, paused and started again on the same port with the same store.
import type { RunningProcess } from './processes.ts'

/** A process with its place: what is started again is the same server. */
export abstract class ServerProcess {
  #running: RunningProcess | null = null

  /** −1 while it does not run. */
  get pid(): number {
    return this.#running?.pid ?? -1
  }

  get isRunning(): boolean {
    return this.#running !== null
  }

  async start(): Promise<void> {
    this.#running ??= await this.launch()
  }

  /** SIGKILL, and waits for its end. */
  async kill(): Promise<void> {
    const running = this.#running
    this.#running = null
    running?.kill()
    await running?.exited
  }

  /** SIGTERM, as an operator does; rejects when it does not end as it should. */
  async stop(): Promise<void> {
    const running = this.#running
    this.#running = null
    if (running !== null) await this.end(running)
  }

  suspend(): void {
    if (this.#running !== null) process.kill(this.#running.pid, 'SIGSTOP')
  }

  resume(): void {
    if (this.#running !== null) process.kill(this.#running.pid, 'SIGCONT')
  }

  protected abstract launch(): Promise<RunningProcess>
  protected abstract end(running: RunningProcess): Promise<void>
}

/** One of Apogee's servers. */
export class Server extends ServerProcess {
  readonly name: string
  readonly port: number
  readonly #start: () => Promise<RunningProcess>

  constructor(name: string, port: number, start: () => Promise<RunningProcess>) {
    super()
    this.name = name
    this.port = port
    this.#start = start
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  protected override launch(): Promise<RunningProcess> {
    return this.#start()
  }

  protected override async end(running: RunningProcess): Promise<void> {
    const { code } = await running.stop()
    if (code !== 0) throw new Error(`${this.name} ended with ${code}`)
  }
}
