// A server process that can be killed, paused and started again on the same port with the same store.
import type { RunningProcess } from './processes.ts'

/** One process with its place: what is started again is the same server. */
export class Server {
  readonly name: string
  readonly port: number
  readonly #start: () => Promise<RunningProcess>
  #running: RunningProcess | null = null

  constructor(name: string, port: number, start: () => Promise<RunningProcess>) {
    this.name = name
    this.port = port
    this.#start = start
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** −1 while it does not run. */
  get pid(): number {
    return this.#running?.pid ?? -1
  }

  get isRunning(): boolean {
    return this.#running !== null
  }

  async start(): Promise<void> {
    this.#running ??= await this.#start()
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const running = this.#running
    this.#running = null
    running?.kill()
    await running?.exited
  }

  /** SIGTERM, as an operator does. */
  async stop(): Promise<void> {
    const running = this.#running
    this.#running = null
    const exit = await running?.stop()
    if (exit !== undefined && exit.code !== 0)
      throw new Error(`${this.name} ended with ${exit.code}`)
  }

  suspend(): void {
    if (this.#running !== null) process.kill(this.#running.pid, 'SIGSTOP')
  }

  resume(): void {
    if (this.#running !== null) process.kill(this.#running.pid, 'SIGCONT')
  }
}
