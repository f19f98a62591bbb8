// Apogee as a target: its own NameServer and broker processes, started through the bin that users run.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootFolder } from './builds.ts'
import { RunningProcess } from './processes.ts'
import {
  type BrokerConf,
  type Product,
  propertiesText,
  type StartOptions,
  startProduct,
  type Target,
} from './target.ts'

/** APOGEE_BIN tests another copy, for example an installed one. */
const BIN = process.env['APOGEE_BIN'] ?? join(rootFolder, 'packages/apogee/bin/apogee.js')
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
  inside: readonly string[] = [],
): { running: RunningProcess; portsFile: string } {
  mkdirSync(dir, { recursive: true })
  const portsFile = join(dir, `${command}-ports.json`)
  rmSync(portsFile, { force: true })
  // The Node that runs this suite is the pinned one.
  const words = [...inside, process.execPath, BIN]
  const running = new RunningProcess({
    name: `apogee ${command}`,
    command: words[0]!,
    args: [...words.slice(1), command, ...args, '--ports-file', portsFile],
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

/** The same inside something that a command leads to, such as a network namespace. */
export async function startApogeeBrokerIn(
  inside: readonly string[],
  dir: string,
  conf: BrokerConf,
  namesrvAddr: string,
): Promise<ApogeeProcess> {
  return await untilReady(launch('broker', brokerArguments(dir, conf, namesrvAddr), dir, inside))
}

/** The same without waiting until it is ready, for tests that end it before. */
export function launchApogeeBroker(
  dir: string,
  conf: BrokerConf,
  namesrvAddr: string,
): RunningProcess {
  return launch('broker', brokerArguments(dir, conf, namesrvAddr), dir).running
}

const apogee: Product = {
  kind: 'apogee',
  bootTimeoutMs: BOOT_TIMEOUT_MS,
  startNamesrv: async (dir, port, conf) => (await startApogeeNamesrv(dir, port, conf)).running,
  startBroker: async (dir, conf, namesrvAddr) =>
    (await startApogeeBroker(dir, conf, namesrvAddr)).running,
  stop: async (running) => {
    const exit = await running.stop()
    if (exit.code !== 0)
      throw new Error(`${running.name} exited ${exit.code ?? exit.signal} on SIGTERM`)
  },
}

export async function startApogee(options: StartOptions): Promise<Target> {
  return await startProduct(apogee, options)
}
