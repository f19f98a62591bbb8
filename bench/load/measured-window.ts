// What both load programs report about the time that counts: how long it was, and what the server and the client used.
import { type ProcessUsage, processUsage } from '../measure/process-usage.ts'

export interface WindowReport {
  seconds: number
  serverCpuSeconds: number | null
  serverRssMiB: number | null
  clientCpuSeconds: number
}

export class MeasuredWindow {
  readonly #pid: number
  readonly #startedMs = performance.now()
  readonly #clientCpu = process.cpuUsage()
  readonly #serverBefore: ProcessUsage | null

  constructor(serverPid: number) {
    this.#pid = serverPid
    this.#serverBefore = serverPid === 0 ? null : processUsage(serverPid)
  }

  report(): WindowReport {
    const seconds = (performance.now() - this.#startedMs) / 1000
    const client = process.cpuUsage(this.#clientCpu)
    const server = this.#serverBefore === null ? null : processUsage(this.#pid)
    const serverCpu =
      server === null ? null : server.cpuSeconds - (this.#serverBefore?.cpuSeconds ?? 0)
    return {
      seconds,
      serverCpuSeconds: serverCpu,
      serverRssMiB: server?.rssMiB ?? null,
      clientCpuSeconds: (client.user + client.system) / 1e6,
    }
  }
}

export async function pause(seconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}
