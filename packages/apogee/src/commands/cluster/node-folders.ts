// A cluster on disk is a folder with a folder for each node: what is in them decides, nothing else is kept.
//
//   DIR/namesrv-1/namesrv.conf            DIR/broker-a/broker.conf      yours to edit
//                 namesrv.log, pid, …                  broker.log, pid, ports.json, store/
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfFile } from '../../config/conf-file.ts'
import { ClusterError } from './cluster-error.ts'
import type { BrokerRoleName, ClusterMode, PlannedNode } from './cluster-plan.ts'

interface AnyNode {
  /** Of its folder. */
  readonly name: string
  readonly folder: string
  /** Its configuration. */
  readonly conf: string
  readonly log: string
  /** host:port, as its configuration says; with port 0 when it may be any. */
  readonly address: string
}

export interface NamesrvFolder extends AnyNode {
  readonly kind: 'namesrv'
}

export interface BrokerFolder extends AnyNode {
  readonly kind: 'broker'
  readonly brokerName: string
  readonly brokerId: number
  readonly brokerRole: BrokerRoleName
}

export type NodeFolder = NamesrvFolder | BrokerFolder

const CONFS = { namesrv: 'namesrv.conf', broker: 'broker.conf' } as const
const WILDCARDS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' }

/** The nodes in a cluster's folder: NameServers first, then brokers by name and id. Throws CLUSTER_FOLDER. */
export function readNodes(dir: string): NodeFolder[] {
  if (!existsSync(dir)) return []
  const nodes = readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return []
    const folder = join(dir, entry.name)
    for (const kind of ['namesrv', 'broker'] as const) {
      const conf = join(folder, CONFS[kind])
      if (existsSync(conf)) return [readNode(kind, entry.name, folder, conf)]
    }
    return []
  })
  return nodes.sort(byPlace)
}

function readNode(
  kind: NodeFolder['kind'],
  name: string,
  folder: string,
  conf: string,
): NodeFolder {
  const values = new Map(readConfFile(conf).map(({ key, value }) => [key, value]))
  const host = values.get('bindAddress') || '127.0.0.1'
  const port = values.get('listenPort') || (kind === 'namesrv' ? '9876' : '10911')
  const address = `${WILDCARDS[host] ?? host}:${port}`
  const common = { name, folder, conf, address, log: join(folder, `${kind}.log`) }
  if (kind === 'namesrv') return { kind, ...common }
  const brokerRole = (values.get('brokerRole') || 'ASYNC_MASTER') as BrokerRoleName
  const brokerName = values.get('brokerName') || 'broker-a'
  return { kind, ...common, brokerName, brokerId: Number(values.get('brokerId') || 0), brokerRole }
}

function byPlace(a: NodeFolder, b: NodeFolder): number {
  if (a.kind !== b.kind) return a.kind === 'namesrv' ? -1 : 1
  if (a.kind === 'namesrv' || b.kind === 'namesrv') return a.name < b.name ? -1 : 1
  if (a.brokerName !== b.brokerName) return a.brokerName < b.brokerName ? -1 : 1
  return a.brokerId - b.brokerId
}

/** What shape the nodes of a folder are. */
export function modeOf(nodes: readonly NodeFolder[]): ClusterMode {
  const brokers = nodes.filter((node) => node.kind === 'broker')
  if (brokers.some(({ brokerRole }) => brokerRole === 'SLAVE')) {
    const isSync = brokers.some(({ brokerRole }) => brokerRole === 'SYNC_MASTER')
    return isSync ? 'sync-replica' : 'async-replica'
  }
  return brokers.length > 1 ? 'multi-master' : 'single'
}

/** Makes the folders and configurations of planned nodes. A configuration that is there stays as it is. */
export function writeNodes(
  dir: string,
  nodes: readonly PlannedNode[],
  settings: readonly { readonly key: string; readonly value: string }[],
): void {
  const namesrvAddr = nodes
    .filter(({ kind }) => kind === 'namesrv')
    .map(({ port }) => `127.0.0.1:${port}`)
    .join(';')
  for (const node of nodes) {
    const folder = join(dir, node.name)
    mkdirSync(folder, { recursive: true })
    const conf = join(folder, CONFS[node.kind])
    const text =
      node.kind === 'namesrv'
        ? namesrvConf(node.port, folder)
        : brokerConf(node, folder, namesrvAddr, settings)
    writeOnce(conf, text)
  }
}

function writeOnce(path: string, text: string): void {
  try {
    writeFileSync(path, text, { flag: 'wx' })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return
    throw new ClusterError('CLUSTER_FOLDER', `cannot write ${path}: ${(cause as Error).message}`, {
      cause,
    })
  }
}

const YOURS = 'Yours to edit: apogee cluster writes this file only where there is none.'

function namesrvConf(port: number, folder: string): string {
  return lines([
    `# A NameServer. ${YOURS}`,
    `listenPort = ${port}`,
    'bindAddress = 127.0.0.1',
    `kvConfigPath = ${propertyValue(join(folder, 'kvConfig.json'))}`,
  ])
}

function brokerConf(
  node: Extract<PlannedNode, { kind: 'broker' }>,
  folder: string,
  namesrvAddr: string,
  settings: readonly { readonly key: string; readonly value: string }[],
): string {
  const { brokerId, brokerName, brokerRole, port } = node
  const who = brokerId === 0 ? 'A master.' : `Slave ${brokerId} of ${brokerName}.`
  return lines([
    `# ${who} ${YOURS}`,
    'brokerClusterName = DefaultCluster',
    `brokerName = ${brokerName}`,
    `brokerId = ${brokerId}`,
    `brokerRole = ${brokerRole}`,
    'flushDiskType = ASYNC_FLUSH',
    `namesrvAddr = ${namesrvAddr}`,
    `# Two ports beside it: ${port - 2} for clients that avoid the one pulls are served on, ${port + 1} for replication.`,
    `listenPort = ${port}`,
    `haListenPort = ${port + 1}`,
    'bindAddress = 127.0.0.1',
    `storePathRootDir = ${propertyValue(join(folder, 'store'))}`,
    ...settings.map(({ key, value }) => `${key} = ${propertyValue(value)}`),
  ])
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`
}

/** A backslash begins an escape in properties. */
function propertyValue(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
