import type { Clock } from '@apogee/env'
import type { Connection, Logger } from '@apogee/remoting'
import { RouteTable } from './core/route-table.ts'
import type { RouteDecision, RouteTableOptions } from './core/route-types.ts'
import type { Routes } from './handlers/services.ts'

export type MinBrokerIdNotice = Extract<RouteDecision, { kind: 'notify-min-broker-id' }>

export interface RouteDriverDeps {
  clock: Clock
  log: Logger
  /** Sends a notice, one way; how it goes is no business of the table. */
  notify(notice: MinBrokerIdNotice): void
}

/** Gives the route table time and connections, and does what it decides. */
export class RouteDriver implements Routes {
  readonly table: RouteTable
  private readonly deps: RouteDriverDeps
  /** Connections that brokers have registered over; as many as there are such connections. */
  private readonly watched = new Map<number, Connection>()
  private isStopped = false

  constructor(options: RouteTableOptions, deps: RouteDriverDeps) {
    this.table = new RouteTable(options)
    this.deps = deps
  }

  change<T>(input: (table: RouteTable, nowMs: number) => T): T {
    const result = input(this.table, this.deps.clock.monotonicMs())
    for (const decision of this.table.takeDecisions()) this.carryOut(decision)
    return result
  }

  watch(connection: Connection): void {
    if (this.watched.has(connection.id)) return
    this.watched.set(connection.id, connection)
    connection.onClose(() => {
      this.watched.delete(connection.id)
      if (!this.isStopped) this.change((table) => table.connectionLost(connection.id))
    })
  }

  expire(): void {
    this.change((table, nowMs) => table.expire(nowMs))
  }

  /** The server closes its connections now; that is no loss of brokers. */
  stop(): void {
    this.isStopped = true
  }

  private carryOut(decision: RouteDecision): void {
    switch (decision.kind) {
      case 'notify-min-broker-id':
        this.deps.notify(decision)
        break
      case 'close-connection':
        this.watched.get(decision.connectionId)?.close('broker_expired')
        break
      case 'report': {
        const { kind: _, ...fields } = decision
        const isExpected = isExpectedEvent(decision.event)
        if (isExpected) this.deps.log.info(fields)
        else this.deps.log.warn(fields)
        break
      }
    }
  }
}

function isExpectedEvent(event: string): boolean {
  return event === 'broker_registered' || event === 'broker_unregistered'
}
