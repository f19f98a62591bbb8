// Apache RocketMQ's own NameServer and broker as a target.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rocketmqJars, rocketmqVersions } from './builds.ts'
import { javaArguments } from './java.ts'
import { RunningProcess } from './processes.ts'
import {
  type BrokerConf,
  type Product,
  propertiesText,
  type StartOptions,
  startProduct,
  type Target,
} from './target.ts'

const STOP_TIMEOUT_MS = 90_000
const BOOT_TIMEOUT_MS = 60_000
const BOOT_LINE = /boot success/

async function startJava(
  role: 'namesrv' | 'broker',
  dir: string,
  main: string,
  args: readonly string[],
  fixedHeap?: string,
): Promise<RunningProcess> {
  const jars = await rocketmqJars(rocketmqVersions.current)
  const running = new RunningProcess({
    name: `apache ${role}`,
    command: 'java',
    args: javaArguments({
      classPath: join(jars, '*'),
      main,
      args,
      home: dir,
      heap: fixedHeap ?? (role === 'broker' ? '1g' : '256m'),
      fixedHeap: fixedHeap !== undefined,
      properties: { 'rmq.logback.configurationFile': `rmq.${role}.logback.xml` },
    }),
    env: { ROCKETMQ_HOME: dir },
    logFile: join(dir, 'logs', `${role}.out`),
  })
  await running.waitForLine(BOOT_LINE, BOOT_TIMEOUT_MS)
  return running
}

/** Apache's NameServer alone. */
export async function startApacheNamesrv(
  dir: string,
  port: number,
  conf: BrokerConf = {},
): Promise<RunningProcess> {
  mkdirSync(dir, { recursive: true })
  const file = join(dir, 'namesrv.conf')
  const paths = {
    kvConfigPath: join(dir, 'kvConfig.json'),
    configStorePath: join(dir, 'namesrv.properties'),
  }
  writeFileSync(file, propertiesText({ listenPort: port, ...paths, ...conf }))
  const args = ['-c', file]
  return await startJava('namesrv', dir, 'org.apache.rocketmq.namesrv.NamesrvStartup', args)
}

/** Apache's broker alone, with exactly this configuration. */
export async function startApacheBroker(
  dir: string,
  conf: BrokerConf,
  fixedHeap?: string,
): Promise<RunningProcess> {
  mkdirSync(dir, { recursive: true })
  const file = join(dir, 'broker.conf')
  writeFileSync(file, propertiesText(conf))
  const main = 'org.apache.rocketmq.broker.BrokerStartup'
  return await startJava('broker', dir, main, ['-c', file], fixedHeap)
}

const apache: Product = {
  kind: 'apache',
  bootTimeoutMs: BOOT_TIMEOUT_MS,
  startNamesrv: startApacheNamesrv,
  startBroker: async (dir, conf, namesrvAddr) =>
    await startApacheBroker(dir, { ...conf, namesrvAddr }),
  stop: async (running) => {
    const exit = await running.stop(STOP_TIMEOUT_MS)
    if (exit.signal === 'SIGKILL') throw new Error(`${running.name} did not stop in time`)
  },
}

export async function startApache(options: StartOptions): Promise<Target> {
  return await startProduct(apache, options)
}
