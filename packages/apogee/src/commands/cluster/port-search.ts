import { createServer } from 'node:net'
import { ClusterError } from './cluster-error.ts'
import { type PortBase, portBase } from './cluster-plan.ts'

const PORT_MAX = 65_535

/**
 * The first base of which no port is taken; only the given one when somebody said which. Rejects with CLUSTER_PORT_IN_USE,
 * CLUSTER_OPTION_INVALID.
 */
export async function freeBase(
  asked: number | undefined,
  usual: readonly PortBase[],
  portsAt: (base: PortBase) => readonly number[],
): Promise<PortBase> {
  const taken: number[] = []
  for (const base of asked === undefined ? usual : [portBase(asked)]) {
    const ports = portsAt(base)
    if (ports.some((port) => port < 1 || port > PORT_MAX)) {
      const text = `--base-port ${asked}: the last port would be ${Math.max(...ports)}`
      throw new ClusterError('CLUSTER_OPTION_INVALID', text)
    }
    const found = await firstTaken(ports)
    if (found === null) return base
    taken.push(found)
  }
  throw new ClusterError('CLUSTER_PORT_IN_USE', `ports are taken: ${taken.join(', ')}`, {
    hint: '--base-port says where to begin',
  })
}

async function firstTaken(ports: readonly number[]): Promise<number | null> {
  for (const port of ports) if (!(await isFree(port))) return port
  return null
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () =>
      server.close(() => resolve(true)),
    )
  })
}
