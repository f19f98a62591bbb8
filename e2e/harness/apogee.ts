// Apogee as a target: its own NameServer and broker processes, started through the bin that users run.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootFolder } from './builds.ts'
import { freePorts, RunningProcess } from './processes.ts'
import { waitForRoute } from './raw-client.ts'
import {
  type BrokerConf,
  commonBrokerConf,
  type Ports,
  propertiesText,
  type StartOptions,
  type Target,
} from './target.ts'

/** APOGEE_BIN tests another copy, for example an installed one. */
const BIN = process.env['APOGEE_BIN'] ?? join(rootFolder, 'packages/apogee/bin/apogee.js')
/** Every broker registers it; its route shows that the broker is known to the NameServer. */
const SYSTEM_TOPIC = 'SELF_TEST_TOPIC'
const BOOT_LINE = /boot success/
const BOOT_TIMEOUT_MS = 20_000

/** What `--ports-file` holds after the start. */
export interface PortsFile {
  namesrv?: number
  broker?: number
  fast?: number
  ha?: number
  http?: number
}

export interface ApogeeProcess {
  running: RunningProcess
  ports: PortsFile
}

/** `apogee COMMAND ...`, without waiting for anything. */
function launch(
  command: 'start' | 'namesrv' | 'broker',
  args: readonly string[],
  dir: string,
): { running: RunningProcess; portsFile: string } {
  mkdirSync(dir, { recursive: true })
  const portsFile = join(dir, `${command}-ports.json`)
  rmSync(portsFile, { force: true })
  const running = new RunningProcess({
    name: `apogee ${command}`,
    // The Node that runs this suite is the pinned one.
    command: process.execPath,
    args: [BIN, command, ...args, '--ports-file', portsFile],
    cwd: dir,
    logFile: join(dir, 'logs', `${command}.out`),
  })
  return { running, portsFile }
}

/** `apogee COMMAND ...` until it says that it is ready; gives the ports it took. */
export async function startApogeeProcess(
  command: 'start' | 'namesrv' | 'broker',
  args: readonly string[],
  dir: string,
): Promise<ApogeeProcess> {
  return await untilReady(launch(command, args, dir))
}

async function untilReady(launched: {
  running: RunningProcess
  portsFile: string
}): Promise<ApogeeProcess> {
  const { running, portsFile } = launched
  try {
    await running.waitForLine(BOOT_LINE, BOOT_TIMEOUT_MS)
  } catch (error) {
    running.kill()
    throw error
  }
  return { running, ports: JSON.parse(readFileSync(portsFile, 'utf8')) as PortsFile }
}

/** Apogee's NameServer alone. Port 0 takes a free one. */
export async function startApogeeNamesrv(
  dir: string,
  port: number,
  conf: BrokerConf = {},
): Promise<ApogeeProcess> {
  mkdirSync(dir, { recursive: true })
  const file = join(dir, 'namesrv.conf')
  const paths = {
    kvConfigPath: join(dir, 'kvConfig.json'),
    configStorePath: join(dir, 'namesrv.properties'),
  }
  writeFileSync(file, propertiesText({ ...paths, ...conf }))
  return await startApogeeProcess('namesrv', ['--port', String(port), '-c', file], dir)
}

function brokerArguments(dir: string, conf: BrokerConf, namesrvAddr: string): string[] {
  mkdirSync(dir, { recursive: true })
  const file = join(dir, 'broker.conf')
  writeFileSync(file, propertiesText(conf))
  return ['-c', file, '-n', namesrvAddr]
}

/** Apogee's broker alone, with exactly this broker.conf. */
export async function startApogeeBroker(
  dir: string,
  conf: BrokerConf,
  namesrvAddr: string,
): Promise<ApogeeProcess> {
  return await startApogeeProcess('broker', brokerArguments(dir, conf, namesrvAddr), dir)
}

/** The same without waiting until it is ready, for tests that end it before. */
export function launchApogeeBroker(
  dir: string,
  conf: BrokerConf,
  namesrvAddr: string,
): RunningProcess {
  return launch('broker', brokerArguments(dir, conf, namesrvAddr), dir).running
}

/** A NameServer and one broker (or one broker alone), in their own processes. */
export async function startApogee(options: StartOptions): Promise<Target> {
  const ports: Ports = options.ports ?? {
    namesrv: await freePorts(1),
    broker: (await freePorts(4)) + 2,
  }
  const namesrvAddr = options.namesrvAddr ?? `127.0.0.1:${ports.namesrv}`
  const storeDir = join(options.dir, 'store')
  const conf = commonBrokerConf(options, ports, storeDir)
  const started: RunningProcess[] = []
  const endAll = async (): Promise<void> => {
    for (const running of started) running.kill()
    for (const running of started) await running.exited
  }
  try {
    if (options.namesrvAddr === undefined) {
      const dir = join(options.dir, 'namesrv')
      started.push((await startApogeeNamesrv(dir, ports.namesrv, options.namesrvConf)).running)
    }
    started.unshift((await startApogeeBroker(options.dir, conf, namesrvAddr)).running)
    await waitForRoute(namesrvAddr, SYSTEM_TOPIC, BOOT_TIMEOUT_MS)
  } catch (error) {
    await endAll()
    throw error
  }
  return {
    kind: 'apogee',
    namesrvAddr,
    brokerAddr: `127.0.0.1:${ports.broker}`,
    brokerName: String(conf['brokerName']),
    clusterName: String(conf['brokerClusterName']),
    storeDir,
    ports,
    kill: endAll,
    stop: async () => {
      for (const running of started) {
        const exit = await running.stop()
        if (exit.code !== 0)
          throw new Error(`${running.name} exited ${exit.code ?? exit.signal} on SIGTERM`)
      }
    },
  }
}
