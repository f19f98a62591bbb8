import type { NodeProcess } from './node-process.ts'

/**
 * Stops nodes in an order in which nothing is lost and nobody waits: masters first, all at once, which give up their write
 * permission and finish what is in flight while their slaves still take and acknowledge it; then slaves, which have
 * everything by then; then NameServers, which all brokers leave in order.
 */
export async function stopNodes(processes: readonly NodeProcess[]): Promise<void> {
  const stages: ((one: NodeProcess) => boolean)[] = [
    ({ node }) => node.kind === 'broker' && node.brokerRole !== 'SLAVE',
    ({ node }) => node.kind === 'broker' && node.brokerRole === 'SLAVE',
    ({ node }) => node.kind === 'namesrv',
  ]
  for (const isMeant of stages) {
    await Promise.all(processes.filter(isMeant).map((one) => one.stop()))
  }
}
