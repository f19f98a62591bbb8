import { type Command, InvalidArgumentError, Option } from 'commander'
import { addOutputOptions, type OutputFlags } from '../../cli/output/output-options.ts'
import type { Session } from '../../cli/session.ts'
import { examples, keyValue, port } from '../options.ts'
import { CLUSTER_MODES, MASTERS_MAX, NAME_SERVERS_MAX, SLAVES_MAX } from './cluster-plan.ts'

export interface ClusterFlags {
  readonly dir: string
}

export interface ClusterStartFlags extends ClusterFlags {
  readonly mode?: string
  readonly masters?: number
  readonly slaves?: number
  readonly nameservers?: number
  readonly basePort?: number
  readonly set: readonly { readonly key: string; readonly value: string }[]
  readonly detach?: boolean
}

/** `apogee cluster start|status|stop|kill|pause|resume`: nodes on this machine. Its other verbs ask any cluster. */
export function addClusterCommand(program: Command, session: Session): void {
  const cluster = program
    .command('cluster')
    .description('run a cluster on this machine; look at any cluster and its brokers')
    .addHelpText(
      'after',
      `${examples(
        'apogee cluster start --mode sync-replica',
        'apogee cluster --mode multi-master --masters 3 --detach',
        'apogee cluster kill broker-a',
        'apogee cluster status',
        'apogee cluster list',
      )}
Each node is a process of its own with a folder in DIR: its configuration, which
is yours to edit, its log and its messages.
`,
    )
  cluster.commandsGroup('A cluster on this machine:')
  addStart(cluster, session)
  addStatus(cluster, session)
  addStop(cluster, session)
  addKill(cluster, session)
  addPause(cluster, session)
  addResume(cluster, session)
}

function addStart(cluster: Command, session: Session): void {
  const start = cluster
    .command('start', { isDefault: true })
    .argument('[node]', 'only this node of a cluster that is there')
    .description(
      `Start a cluster: NameServers, masters and their slaves, each as a process. In
the foreground until Ctrl-C, which stops all; with --detach it stays. What DIR
holds already starts as it is.`,
    )
    .summary('start a cluster, or one of its nodes')
    .addOption(
      new Option('--mode <mode>', 'its shape, when it is new').choices([
        ...CLUSTER_MODES,
        'dledger',
      ]),
    )
    .option('--masters <number>', 'masters (1 or 2, by the mode)', count(1, MASTERS_MAX))
    .option('--slaves <number>', 'slaves of each master (0 or 1)', count(0, SLAVES_MAX))
    .option('--nameservers <number>', 'NameServers (1)', count(1, NAME_SERVERS_MAX))
    .option(
      '--base-port <port>',
      'first port; the NameServers, brokers 20 above (9876 and 10911, or a free place)',
      port,
    )
    .option('--set <key=value>', 'into each new broker.conf; may be repeated', keyValue, [])
    .option('--detach', 'come back when it serves; the cluster stays')
  addDir(start)
    .addHelpText(
      'after',
      `${examples(
        'apogee cluster start --mode sync-replica --masters 2 --slaves 1',
        'apogee cluster start --mode async-replica --set flushDiskType=SYNC_FLUSH --detach',
        'apogee cluster start broker-a',
      )}
Nodes are namesrv-1, broker-a (a master), broker-a-1 (its first slave), …
`,
    )
    .action((node: string | undefined, flags: ClusterStartFlags) =>
      session.perform(async (signal) => {
        const { startCluster, startNode } = await import('./cluster-actions.ts')
        if (node !== undefined) return await startNode(session.io, node, flags, signal)
        return await startCluster(session.io, flags, signal)
      }),
    )
}

function addStatus(cluster: Command, session: Session): void {
  const status = cluster
    .command('status')
    .description(
      `Show each node of a cluster on this machine: whether it runs, how far its log
goes, how far a slave is behind and whether its master counts it as in sync, and
what clients get there.`,
    )
    .summary('show the nodes of a cluster on this machine')
  addDir(status)
  addOutputOptions(status)
    .addHelpText('after', examples('apogee cluster status', 'apogee cluster status -o json'))
    .action((flags: ClusterFlags & OutputFlags) =>
      session.perform(async () => {
        const { showStatus } = await import('./cluster-actions.ts')
        return await showStatus(session.io, flags)
      }),
    )
}

function addStop(cluster: Command, session: Session): void {
  const stop = cluster
    .command('stop')
    .argument('[node]', 'only this node')
    .description(
      `Stop a cluster in order: masters give up write permission, finish what is in
flight and end; then slaves, then NameServers.`,
    )
    .summary('stop a cluster, or one node, in order')
  addDir(stop)
    .addHelpText('after', examples('apogee cluster stop', 'apogee cluster stop broker-b'))
    .action((node: string | undefined, flags: ClusterFlags) =>
      session.perform(async () => {
        const { stopCluster } = await import('./cluster-actions.ts')
        return await stopCluster(session.io, node ?? null, flags)
      }),
    )
}

function addKill(cluster: Command, session: Session): void {
  const kill = cluster
    .command('kill')
    .argument('<node>', 'name of its folder: broker-a')
    .description('Kill a node with SIGKILL, as a crash would; `start NODE` brings it back.')
    .summary('kill a node, as a crash would')
  addDir(kill)
    .addHelpText('after', examples('apogee cluster kill broker-a'))
    .action((node: string, flags: ClusterFlags) =>
      session.perform(async () => {
        const { killNode } = await import('./cluster-actions.ts')
        return await killNode(session.io, node, flags)
      }),
    )
}

function addPause(cluster: Command, session: Session): void {
  const pause = cluster
    .command('pause')
    .argument('<node>', 'name of its folder: broker-a-1')
    .description('Stop a node with SIGSTOP: it hangs, and its connections stay.')
    .summary('let a node hang')
  addDir(pause)
    .addHelpText('after', examples('apogee cluster pause broker-a-1'))
    .action((node: string, flags: ClusterFlags) =>
      session.perform(async () => {
        const { pauseNode } = await import('./cluster-actions.ts')
        return await pauseNode(session.io, node, true, flags)
      }),
    )
}

function addResume(cluster: Command, session: Session): void {
  const resume = cluster
    .command('resume')
    .argument('<node>', 'name of its folder: broker-a-1')
    .description('Let a node that was paused go on (SIGCONT).')
    .summary('let a paused node go on')
  addDir(resume)
    .addHelpText('after', examples('apogee cluster resume broker-a-1'))
    .action((node: string, flags: ClusterFlags) =>
      session.perform(async () => {
        const { pauseNode } = await import('./cluster-actions.ts')
        return await pauseNode(session.io, node, false, flags)
      }),
    )
}

function addDir(command: Command): Command {
  return command.option('--dir <folder>', 'folder of the cluster', 'cluster')
}

function count(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`not a whole number (${min} to ${max})`)
  }
}
