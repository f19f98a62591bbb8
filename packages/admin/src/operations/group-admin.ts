import { Collector } from '../diagnosis/collect.ts'
import { type DiagnosisLimits, diagnose } from '../diagnosis/diagnose.ts'
import type { Finding, GroupSnapshot } from '../diagnosis/snapshot.ts'
import type { AdminTransport } from '../transport/admin-transport.ts'
import type { Answers } from './answers.ts'
import type { ClientOperations, GroupConnections } from './client-operations.ts'
import { GroupOperations } from './group-operations.ts'
import type {
  OffsetOperations,
  ResetQueue,
  ResetRequest,
  ResetTarget,
} from './offset-operations.ts'
import type { TopicOperations } from './topic-operations.ts'
import { wait } from './wait.ts'
import type { Where } from './where.ts'

/** Why a group is behind. */
export interface Diagnosis {
  readonly group: string
  readonly findings: readonly Finding[]
  /** Two looks at the group: what stands still between them is stuck. */
  readonly first: GroupSnapshot
  readonly later: GroupSnapshot
}

export interface WhyOptions extends Where {
  /** Between the two looks, milliseconds. Default 6,000: Java consumers commit offsets every 5 s. */
  readonly intervalMs?: number | undefined
  readonly limits?: Partial<DiagnosisLimits> | undefined
  readonly signal?: AbortSignal | undefined
}

const WHY_INTERVAL_MS = 6_000

/** Consumer groups, all that can be asked and done: `GroupOperations`, offsets and the diagnosis. */
export class GroupAdmin extends GroupOperations {
  private readonly deps: ConstructorParameters<typeof GroupOperations>[1] & {
    transport: AdminTransport
    clients: ClientOperations
    offsets: OffsetOperations
    topics: TopicOperations
  }

  constructor(
    transport: AdminTransport,
    deps: ConstructorParameters<typeof GroupOperations>[1] & { offsets: OffsetOperations },
  ) {
    super(transport, deps)
    this.deps = { ...deps, transport }
  }

  /**
   * Moves a group in a topic: to the beginning, the end, a time, or an offset of one queue. `dryRun` changes nothing and
   * gives the same list. Rejects with ADMIN_TOPIC_NOT_FOUND, ADMIN_GROUP_NOT_FOUND, ADMIN_QUEUE_NOT_FOUND.
   */
  async resetOffset(
    group: string,
    topic: string,
    to: ResetTarget,
    options: { dryRun?: boolean } & Pick<ResetRequest, 'brokerName' | 'queueId' | 'isForce'> = {},
  ): Promise<Answers<ResetQueue>> {
    const { dryRun = false, ...rest } = options
    const request = { ...rest, group, topic, to }
    return dryRun ? this.deps.offsets.preview(request) : this.deps.offsets.reset(request)
  }

  /** Who is connected, and what they subscribe. See `ClientOperations.consumers`. */
  connections(
    group: string,
    where: Where = {},
  ): Promise<GroupConnections & Pick<Answers<never>, 'problems'>> {
    return this.deps.clients.consumers(group, where)
  }

  /**
   * Looks at the group twice and names the causes of its lag. Takes `intervalMs` and a little more. Rejects with
   * ADMIN_GROUP_NOT_FOUND, ADMIN_ABORTED.
   */
  async why(group: string, options: WhyOptions = {}): Promise<Diagnosis> {
    const { intervalMs = WHY_INTERVAL_MS, limits = {}, signal, ...where } = options
    const collector = new Collector(this.deps.transport)
    const first = await collector.snapshot(group, where)
    await wait(collector.clock, intervalMs, signal)
    const later = await collector.snapshot(group, where)
    return { group, findings: diagnose(first, later, limits), first, later }
  }
}
