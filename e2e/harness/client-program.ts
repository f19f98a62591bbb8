// A client program of any language, driven over its standard input: `id TAB command TAB key=value ...` lines, answered by
// one JSON line each. e2e/java/src/client describes the commands.
import type { RunningProcess } from './processes.ts'

export type CommandArguments = Readonly<Record<string, string | number | boolean>>

export interface SentMessage {
  body: string
  status: string
  msgId: string
  offsetMsgId: string
  brokerName: string
  queueId: number
  queueOffset: number
}

export interface ReceivedMessage {
  body: string
  topic: string
  tags: string | null
  keys: string | null
  msgId: string
  queueId: number
  queueOffset: number
  commitLogOffset: number
  reconsumeTimes: number
  bodyCrc: number
  sysFlag: number
  bornTimestamp: number
  storeTimestamp: number
  bornHost: string
  storeHost: string
  properties: Record<string, string>
  receivedAt: number
}

export interface QueueOffsets {
  queueId: number
  min: number
  max: number
  earliest: number
  at: number
}

export interface PullStep {
  queueId: number
  status: string
  next: number
  min: number
  max: number
}

export interface OwnedQueue {
  topic: string
  brokerName: string
  queueId: number
}

/** What the commands answer; each fills its own part. */
export interface CommandResults {
  sent: SentMessage[]
  received: ReceivedMessage[]
  found: ReceivedMessage[]
  message: ReceivedMessage | null
  queues: QueueOffsets[]
  pulls: PullStep[]
  committed: Record<string, number>
  error: string
  owned: OwnedQueue[]
  failed: string[]
  /** How often each message of a transaction was asked about, by body. */
  checks: Record<string, number>
  /** What a request was answered with. */
  reply: string
  /** What an mqadmin command printed. */
  output: string
}

interface Answer {
  id: string
  ok: boolean
  result?: Partial<CommandResults>
  error?: string
}

const COMMAND_TIMEOUT_MS = 90_000

/** Anything that takes the commands of a client program and answers in JSON lines. */
export class ClientProgram {
  readonly #running: RunningProcess
  readonly #waiting = new Map<string, (answer: Answer) => void>()
  readonly #defaults: CommandArguments
  #next = 1

  constructor(running: RunningProcess, defaults: CommandArguments) {
    this.#running = running
    this.#defaults = defaults
    running.onLine((line) => {
      if (!line.startsWith('{"id"')) return
      const answer = JSON.parse(line) as Answer
      this.#waiting.get(answer.id)?.(answer)
    })
  }

  /** Runs one command; a failure inside the client rejects with the client's own words. */
  async run(command: string, args: CommandArguments = {}): Promise<CommandResults> {
    const id = String(this.#next++)
    const pairs = Object.entries({ ...this.#defaults, ...args }).map(
      ([key, value]) => `${key}=${value}`,
    )
    const answer = await new Promise<Answer>((resolve, reject) => {
      const fail = (why: string): void =>
        reject(new Error(`${this.#running.name} ${command}: ${why}; see ${this.#running.logFile}`))
      const timer = setTimeout(() => fail('no answer in time'), COMMAND_TIMEOUT_MS)
      this.#waiting.set(id, (received) => {
        clearTimeout(timer)
        resolve(received)
      })
      void this.#running.exited.then(() => {
        clearTimeout(timer)
        fail('the client ended')
      })
      this.#running.write(`${[id, command, ...pairs].join('\t')}\n`)
    })
    this.#waiting.delete(id)
    if (!answer.ok) throw new Error(`${this.#running.name} ${command}: ${answer.error ?? 'failed'}`)
    return answer.result as CommandResults
  }

  /** Hears every line that is no answer. */
  onLine(listener: (line: string) => void): void {
    this.#running.onLine((line) => {
      if (!line.startsWith('{"id"')) listener(line)
    })
  }

  get pid(): number {
    return this.#running.pid
  }

  async stop(): Promise<void> {
    await this.#running.stop(5000)
  }

  /** SIGKILL, and waits for its end. */
  async kill(): Promise<void> {
    this.#running.kill()
    await this.#running.exited
  }

  /** SIGTERM, and gives its exit code. */
  async terminate(): Promise<number | null> {
    process.kill(this.#running.pid, 'SIGTERM')
    return (await this.#running.exited).code
  }
}
