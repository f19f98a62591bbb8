// The servers under test. A scenario sees only this, so that the same scenario runs against Apache's servers (which
// proves the scenario) and against Apogee (which proves Apogee).
import { join } from 'node:path'
import { freePorts, type RunningProcess } from './processes.ts'
import { waitForRoute } from './raw-client.ts'

/** Keys and values of a broker.conf, as Apache names them. */
export type BrokerConf = Readonly<Record<string, string | number | boolean>>

export interface StartOptions {
  /** Holds configuration, store and logs. A second start in the same folder finds the same store. */
  dir: string
  brokerConf?: BrokerConf
  namesrvConf?: BrokerConf
  /** Start only a broker, registered with this NameServer. */
  namesrvAddr?: string
  /** Keep the ports of an earlier start. */
  ports?: Ports
}

export interface Ports {
  namesrv: number
  /** The fast port is this - 2, the HA port this + 1. */
  broker: number
}

export interface Target {
  readonly kind: TargetKind
  readonly namesrvAddr: string
  readonly brokerAddr: string
  readonly brokerName: string
  readonly clusterName: string
  readonly storeDir: string
  readonly ports: Ports
  /** SIGTERM to the broker, then to the NameServer, and waits. */
  stop(): Promise<void>
  /** SIGKILL to every process of the target, and waits. */
  kill(): Promise<void>
}

export const targetKinds = ['apogee', 'apache'] as const
export type TargetKind = (typeof targetKinds)[number]

/** `INTEROP_TARGET` or apogee. */
export function chosenTarget(): TargetKind {
  const wanted = process.env['INTEROP_TARGET'] ?? 'apogee'
  const kind = targetKinds.find((name) => name === wanted)
  if (kind === undefined) throw new Error(`INTEROP_TARGET must be one of ${targetKinds.join(', ')}`)
  return kind
}

/** What both brokers are started with, unless a test says otherwise: small files, Apache's names. */
export function commonBrokerConf(
  options: StartOptions,
  ports: Ports,
  storeDir: string,
): Record<string, string | number | boolean> {
  return {
    brokerClusterName: 'InteropCluster',
    brokerName: 'interop-a',
    brokerId: 0,
    brokerIP1: '127.0.0.1',
    brokerIP2: '127.0.0.1',
    listenPort: ports.broker,
    haListenPort: ports.broker + 1,
    brokerRole: 'ASYNC_MASTER',
    flushDiskType: 'ASYNC_FLUSH',
    storePathRootDir: storeDir,
    storePathCommitLog: `${storeDir}/commitlog`,
    mappedFileSizeCommitLog: 64 << 20,
    diskMaxUsedSpaceRatio: 97,
    enablePropertyFilter: true,
    // Retries and delays of a test take seconds, not minutes.
    messageDelayLevel: '1s 3s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s',
    // A machine that runs clients, brokers and compilers at once stalls for longer than the usual limits of a queued
    // request (200 ms for a send); shedding has its own tests.
    waitTimeMillsInSendQueue: 5000,
    waitTimeMillsInPullQueue: 10_000,
    waitTimeMillsInHeartbeatQueue: 31_000,
    ...options.brokerConf,
  }
}

/** How one product starts and ends. */
export interface Product {
  kind: TargetKind
  bootTimeoutMs: number
  startNamesrv(dir: string, port: number, conf?: BrokerConf): Promise<RunningProcess>
  startBroker(dir: string, conf: BrokerConf, namesrvAddr: string): Promise<RunningProcess>
  /** SIGTERM, and fails when the process does not end as this product should. */
  stop(running: RunningProcess): Promise<void>
}

/** Every broker registers it; its route shows that the broker is known to the NameServer. */
const SYSTEM_TOPIC = 'SELF_TEST_TOPIC'

/** A NameServer and one broker (or one broker alone), in their own processes. */
export async function startProduct(product: Product, options: StartOptions): Promise<Target> {
  const ports: Ports = options.ports ?? {
    namesrv: await freePorts(1),
    broker: (await freePorts(4)) + 2,
  }
  const namesrvAddr = options.namesrvAddr ?? `127.0.0.1:${ports.namesrv}`
  const storeDir = join(options.dir, 'store')
  const conf = commonBrokerConf(options, ports, storeDir)
  const started: RunningProcess[] = []
  const kill = async (): Promise<void> => {
    for (const running of started) running.kill()
    for (const running of started) await running.exited
  }
  try {
    if (options.namesrvAddr === undefined) {
      const dir = join(options.dir, 'namesrv')
      started.push(await product.startNamesrv(dir, ports.namesrv, options.namesrvConf))
    }
    started.unshift(await product.startBroker(options.dir, conf, namesrvAddr))
    await waitForRoute(namesrvAddr, SYSTEM_TOPIC, product.bootTimeoutMs)
  } catch (error) {
    await kill()
    throw error
  }
  return {
    kind: product.kind,
    namesrvAddr,
    brokerAddr: `127.0.0.1:${ports.broker}`,
    brokerName: String(conf['brokerName']),
    clusterName: String(conf['brokerClusterName']),
    storeDir,
    ports,
    kill,
    stop: async () => {
      for (const running of started) await product.stop(running)
    },
  }
}

/** The text of a properties file. */
export function propertiesText(conf: BrokerConf): string {
  return Object.entries(conf)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}
