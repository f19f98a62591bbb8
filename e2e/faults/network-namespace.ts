// A network of its own for one client: a namespace, a virtual cable to this machine, and a filter that can silence it.
import { mustRun } from '../harness/processes.ts'

const TIMEOUT_MS = 10_000

function run(command: string, ...args: readonly string[]): Promise<string> {
  return mustRun({ command, args, timeoutMs: TIMEOUT_MS })
}

export class NetworkNamespace {
  readonly name: string
  /** This machine, seen from inside. */
  readonly hostAddress: string
  readonly #innerAddress: string
  readonly #outer: string

  private constructor(name: string, subnet: number) {
    this.name = name
    this.hostAddress = `10.213.${subnet}.1`
    this.#innerAddress = `10.213.${subnet}.2`
    this.#outer = `ap${subnet}o`
  }

  /** `subnet` (0 to 255) must be nobody else's. */
  static async create(name: string, subnet: number): Promise<NetworkNamespace> {
    const made = new NetworkNamespace(name, subnet)
    await made.dispose()
    const outer = made.#outer
    const inner = `ap${subnet}i`
    await run('ip', 'netns', 'add', name)
    try {
      await run('ip', 'link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', name)
      await run('ip', 'addr', 'add', `${made.hostAddress}/24`, 'dev', outer)
      await run('ip', 'link', 'set', outer, 'up')
      await made.#inside('ip', 'addr', 'add', `${made.#innerAddress}/24`, 'dev', inner)
      await made.#inside('ip', 'link', 'set', inner, 'up')
      await made.#inside('ip', 'link', 'set', 'lo', 'up')
    } catch (error) {
      await made.dispose()
      throw error
    }
    return made
  }

  /** What to put before a command so that it runs inside. */
  get command(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name]
  }

  /** Drops every packet, both ways, of the connections that are established to this port now. Gives how many there were. */
  async silenceEstablished(port: number): Promise<number> {
    const text = await this.#inside('ss', '-Htn', 'state', 'established', `( dport = :${port} )`)
    const locals = [...text.matchAll(/^\s*\d+\s+\d+\s+\S+:(\d+)\s+\S+:\d+/gm)].map(([, at]) => at)
    if (locals.length === 0) return 0
    const ports = locals.join(', ')
    const rules = `table ip cut {
      chain out { type filter hook output priority 0; tcp sport { ${ports} } tcp dport ${port} drop; }
      chain in { type filter hook input priority 0; tcp dport { ${ports} } tcp sport ${port} drop; }
    }`
    await this.#inside('nft', rules)
    return locals.length
  }

  /**
   * From now on drops every packet to this port (`out`), from it (`in`), or both: what a broken cable, or half of one,
   * does to connections that are there and to those that are tried. One cut at a time.
   */
  async cut(port: number, direction: 'in' | 'out' | 'both'): Promise<void> {
    const out = `chain out { type filter hook output priority 0; tcp dport ${port} drop; }`
    const into = `chain in { type filter hook input priority 0; tcp sport ${port} drop; }`
    const chains = direction === 'both' ? `${out}\n${into}` : direction === 'out' ? out : into
    await this.#inside('nft', `table ip cable {\n${chains}\n}`)
  }

  /** Ends the cut. */
  async mend(): Promise<void> {
    await this.#inside('nft', 'delete table ip cable')
  }

  /** This side's address, as the machine outside sees it. */
  get innerAddress(): string {
    return this.#innerAddress
  }

  async dispose(): Promise<void> {
    const existing = await run('ip', 'netns', 'list')
    if (existing.split('\n').some((line) => line.split(' ')[0] === this.name)) {
      await run('ip', 'netns', 'delete', this.name)
    }
    // Connections that still wait for an answer keep a deleted namespace, and so the cable, for a while.
    const links = await run('ip', '-brief', 'link')
    if (links.includes(`${this.#outer}@`)) await run('ip', 'link', 'delete', this.#outer)
  }

  #inside(...command: readonly string[]): Promise<string> {
    return run('ip', 'netns', 'exec', this.name, ...command)
  }
}
