// How each candidate is started: alone, as its users would run it, with the same durability.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startApogeeProcess } from '../../e2e/harness/apogee.ts'
import { rocketmqJars, rocketmqVersions } from '../../e2e/harness/builds.ts'
import { javaArguments } from '../../e2e/harness/java.ts'
import { freePorts, RunningProcess } from '../../e2e/harness/processes.ts'
import { propertiesText } from '../../e2e/harness/target.ts'
import { Candidate, type CandidateName, type CandidateOptions } from './candidate.ts'

const BOOT_TIMEOUT_MS = 120_000
const FLOOR_SERVER = fileURLToPath(new URL('../floor/server.ts', import.meta.url))
/** Apache's own start script asks for more than most machines have; its sends need no more than this. */
const APACHE_HEAP = '2g'

export async function startCandidate(
  name: CandidateName,
  options: CandidateOptions,
): Promise<Candidate> {
  mkdirSync(options.folder, { recursive: true })
  const starts = { floor: startFloor, apogee: startApogeeBroker, apache: startApacheBroker }
  const candidate = await starts[name](options)
  if (options.pin) candidate.pinToServerCores()
  return candidate
}

async function startFloor({ folder, flush }: CandidateOptions): Promise<Candidate> {
  const startedMs = performance.now()
  const running = new RunningProcess({
    name: 'floor',
    command: process.execPath,
    args: [FLOOR_SERVER, flush, '0', folder],
    logFile: join(folder, 'floor.out'),
  })
  const line = await running.waitForLine(/^listening \d+$/, BOOT_TIMEOUT_MS)
  const port = Number(line.split(' ')[1])
  return new Candidate('floor', port, running, performance.now() - startedMs)
}

/** The same broker.conf for Apogee and Apache: defaults, but for places, ports and the flush mode. */
async function writeBrokerConf({ folder, flush }: CandidateOptions): Promise<{
  file: string
  port: number
}> {
  const port = (await freePorts(4)) + 2
  const storeDir = join(folder, 'store')
  const file = join(folder, 'broker.conf')
  const conf = {
    brokerClusterName: 'BenchCluster',
    brokerName: 'bench-a',
    brokerId: 0,
    brokerIP1: '127.0.0.1',
    listenPort: port,
    haListenPort: port + 1,
    brokerRole: 'ASYNC_MASTER',
    flushDiskType: flush === 'sync' ? 'SYNC_FLUSH' : 'ASYNC_FLUSH',
    storePathRootDir: storeDir,
    storePathCommitLog: join(storeDir, 'commitlog'),
    diskMaxUsedSpaceRatio: 95,
  }
  writeFileSync(file, propertiesText(conf))
  return { file, port }
}

async function startApogeeBroker(options: CandidateOptions): Promise<Candidate> {
  const { file, port } = await writeBrokerConf(options)
  const { profileFolder } = options
  // The harness hands its own environment on.
  if (profileFolder !== null) {
    process.env['NODE_OPTIONS'] = `--cpu-prof --cpu-prof-dir=${profileFolder}`
  }
  const startedMs = performance.now()
  try {
    const { running } = await startApogeeProcess('broker', ['-c', file], options.folder)
    return new Candidate('apogee', port, running, performance.now() - startedMs)
  } finally {
    delete process.env['NODE_OPTIONS']
  }
}

async function startApacheBroker(options: CandidateOptions): Promise<Candidate> {
  const { file, port } = await writeBrokerConf(options)
  const jars = await rocketmqJars(rocketmqVersions.current)
  const args = javaArguments({
    classPath: join(jars, '*'),
    main: 'org.apache.rocketmq.broker.BrokerStartup',
    args: ['-c', file],
    home: options.folder,
    heap: APACHE_HEAP,
    properties: { 'rmq.logback.configurationFile': 'rmq.broker.logback.xml' },
  })
  const startedMs = performance.now()
  const running = new RunningProcess({
    name: 'apache broker',
    command: 'java',
    // A heap that need not grow while it is measured.
    args: args.map((arg) => (arg.startsWith('-Xms') ? `-Xms${APACHE_HEAP}` : arg)),
    env: { ROCKETMQ_HOME: options.folder },
    logFile: join(options.folder, 'broker.out'),
  })
  await running.waitForLine(/boot success/, BOOT_TIMEOUT_MS)
  return new Candidate('apache', port, running, performance.now() - startedMs)
}
