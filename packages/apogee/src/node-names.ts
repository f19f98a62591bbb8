// What the nodes of a cluster are called, as processes and inside a test.

/** `broker-a`, `broker-b`, …: what a master and its slaves share. */
export function brokerNameOf(index: number): string {
  return `broker-${String.fromCharCode(97 + index)}`
}

/** `broker-a` for the master, `broker-a-1` for its first slave. */
export function nodeNameOf(brokerName: string, brokerId: number): string {
  return brokerId === 0 ? brokerName : `${brokerName}-${brokerId}`
}
