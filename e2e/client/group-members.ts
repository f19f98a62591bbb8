// Members of one group, Apogee's and Java's, that join, leave and are killed; what each delivered; who owns what.

import { rocketmqVersions } from '../harness/builds.ts'
import type { ClientProgram, OwnedQueue } from '../harness/client-program.ts'
import { startJavaClient } from '../harness/java-client.ts'
import { startApogeeClient } from '../harness/other-clients.ts'

export interface Delivery {
  member: string
  queue: string
  queueOffset: number
  body: string
  at: number
}

export type MemberKind = 'apogee' | 'java'

export interface GroupOptions {
  namesrvAddr: string
  topic: string
  group: string
  orderly: boolean
  dir: string
}

interface Member {
  name: string
  kind: MemberKind
  program: ClientProgram
}

const PAUSE_MS = 100

/** A JVM takes seconds to start: one holds all its members, and a kill of it takes all of them. */
export class GroupMembers {
  readonly deliveries: Delivery[] = []
  readonly #options: GroupOptions
  readonly #members: Member[] = []
  #java: ClientProgram | null = null
  #count = 0

  constructor(options: GroupOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#members.length
  }

  count(kind: MemberKind): number {
    return this.#members.filter((member) => member.kind === kind).length
  }

  async join(kind: MemberKind): Promise<void> {
    const name = `${kind}-${this.#count++}`
    const { topic, group, orderly } = this.#options
    const program = kind === 'java' ? await this.#javaProgram() : await this.#ourProgram(name)
    const args = { name, topic, group, orderly, instance: name, stream: true, from: 'FIRST' }
    await program.run('start-consumer', args)
    this.#members.push({ name, kind, program })
  }

  /** As a service that is stopped: what it took is done and said. */
  async leave(index: number): Promise<void> {
    const [member] = this.#members.splice(index, 1)
    if (member === undefined) throw new Error('no such member')
    await member.program.run('stop-consumer', { name: member.name })
    if (member.kind === 'apogee') await member.program.stop()
  }

  /** SIGTERM to one of ours, which ends in its own time; its exit code must be 0. */
  async terminate(): Promise<void> {
    const at = this.#members.findIndex((member) => member.kind === 'apogee')
    const [member] = this.#members.splice(at, 1)
    const code = await member?.program.terminate()
    if (code !== 0) throw new Error(`${member?.name} ended with ${code} on SIGTERM`)
  }

  /** SIGKILL. Of Java's, all in the same JVM. */
  async kill(kind: MemberKind): Promise<void> {
    if (kind === 'java') {
      await this.#java?.kill()
      this.#java = null
      for (let at = this.#members.length - 1; at >= 0; at--) {
        if (this.#members[at]?.kind === 'java') this.#members.splice(at, 1)
      }
      return
    }
    const at = this.#members.findIndex((member) => member.kind === kind)
    const [member] = this.#members.splice(at, 1)
    await member?.program.kill()
  }

  /** Waits until each of the queues has exactly one owner; gives the ms it took, null when `limitMs` passed. */
  async settled(queues: readonly string[], limitMs: number): Promise<number | null> {
    const startedMs = performance.now()
    while (performance.now() - startedMs < limitMs) {
      const owners = await this.owners()
      const counts = queues.map((queue) => owners.get(queue)?.length ?? 0)
      if (counts.every((count) => count === 1)) return performance.now() - startedMs
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
    return null
  }

  /** Queue → members that have it. */
  async owners(): Promise<Map<string, string[]>> {
    const owners = new Map<string, string[]>()
    const answers = await Promise.all(
      this.#members.map(async ({ name, program }) => ({
        name,
        owned: (await program.run('owned', { name })).owned,
      })),
    )
    for (const { name, owned } of answers) {
      for (const queue of owned) {
        if (queue.topic !== this.#options.topic) continue
        const key = queueName(queue)
        owners.set(key, [...(owners.get(key) ?? []), name])
      }
    }
    return owners
  }

  async end(): Promise<void> {
    while (this.#members.length > 0) await this.leave(0)
    await this.#java?.stop()
    this.#java = null
  }

  /** Whatever happens. */
  async killAll(): Promise<void> {
    for (const member of this.#members.splice(0))
      if (member.kind === 'apogee') await member.program.kill()
    await this.#java?.kill()
  }

  async #ourProgram(name: string): Promise<ClientProgram> {
    const { namesrvAddr, dir } = this.#options
    return this.#listen(await startApogeeClient(namesrvAddr, dir, name))
  }

  async #javaProgram(): Promise<ClientProgram> {
    const { namesrvAddr, dir } = this.#options
    const version = rocketmqVersions.current
    this.#java ??= this.#listen(await startJavaClient({ version, namesrvAddr, dir }))
    return this.#java
  }

  #listen(program: ClientProgram): ClientProgram {
    program.onLine((line) => {
      if (!line.startsWith('{"got"')) return
      const got = JSON.parse(line) as GotLine
      this.deliveries.push({
        member: got.got,
        queue: `${got.broker}:${got.queueId}`,
        queueOffset: got.queueOffset,
        body: got.body,
        at: got.at,
      })
    })
    return program
  }
}

interface GotLine {
  got: string
  broker: string
  queueId: number
  queueOffset: number
  body: string
  at: number
}

export function queueName({ brokerName, queueId }: OwnedQueue): string {
  return `${brokerName}:${queueId}`
}
