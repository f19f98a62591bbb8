import type { NodeProcess } from './node-process.ts'

const isNamesrv = ({ node }: NodeProcess): boolean => node.kind === 'namesrv'
const isMaster = ({ node }: NodeProcess): boolean =>
  node.kind === 'broker' && node.brokerRole !== 'SLAVE'
const isSlave = ({ node }: NodeProcess): boolean =>
  node.kind === 'broker' && node.brokerRole === 'SLAVE'

/** NameServers, which brokers look for when they start; masters; slaves, which hear where these are when they register. */
export const START_STAGES: readonly ((one: NodeProcess) => boolean)[] = [
  isNamesrv,
  isMaster,
  isSlave,
]

/**
 * Masters first, all at once, which give up their write permission and finish what is in flight while their slaves still
 * take and acknowledge it; then slaves, which have everything by then; then NameServers, which all brokers leave in order.
 */
const STOP_STAGES = [isMaster, isSlave, isNamesrv]

/** Stops nodes in an order in which nothing is lost and nobody waits. */
export async function stopNodes(processes: readonly NodeProcess[]): Promise<void> {
  for (const isMeant of STOP_STAGES) {
    await Promise.all(processes.filter(isMeant).map((one) => one.stop()))
  }
}
