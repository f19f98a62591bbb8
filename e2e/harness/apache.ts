// Apache RocketMQ's own NameServer and broker as a target.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rocketmqJars, rocketmqVersions } from './builds.ts'
import { javaArguments } from './java.ts'
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

const STOP_TIMEOUT_MS = 90_000
const BOOT_TIMEOUT_MS = 60_000
/** Every broker registers it; its route shows that the broker is known to the NameServer. */
const SYSTEM_TOPIC = 'SELF_TEST_TOPIC'
const BOOT_LINE = /boot success/

async function startJava(
  role: 'namesrv' | 'broker',
  dir: string,
  main: string,
  args: readonly string[],
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
      heap: role === 'broker' ? '1g' : '256m',
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
export async function startApacheBroker(dir: string, conf: BrokerConf): Promise<RunningProcess> {
  mkdirSync(dir, { recursive: true })
  const file = join(dir, 'broker.conf')
  writeFileSync(file, propertiesText(conf))
  return await startJava('broker', dir, 'org.apache.rocketmq.broker.BrokerStartup', ['-c', file])
}

/** A NameServer and one broker (or one broker alone), in their own processes. */
export async function startApache(options: StartOptions): Promise<Target> {
  const ports: Ports = options.ports ?? {
    namesrv: await freePorts(1),
    broker: (await freePorts(4)) + 2,
  }
  const namesrvAddr = options.namesrvAddr ?? `127.0.0.1:${ports.namesrv}`
  const storeDir = join(options.dir, 'store')
  const conf: Record<string, string | number | boolean> = {
    ...commonBrokerConf(options, ports, storeDir),
    namesrvAddr,
  }
  const started: RunningProcess[] = []
  const endAll = async (): Promise<void> => {
    for (const running of started) running.kill()
    for (const running of started) await running.exited
  }
  try {
    if (options.namesrvAddr === undefined) {
      const dir = join(options.dir, 'namesrv')
      started.push(await startApacheNamesrv(dir, ports.namesrv, options.namesrvConf))
    }
    started.unshift(await startApacheBroker(options.dir, conf))
    await waitForRoute(namesrvAddr, SYSTEM_TOPIC, BOOT_TIMEOUT_MS)
  } catch (error) {
    await endAll()
    throw error
  }
  return {
    kind: 'apache',
    namesrvAddr,
    brokerAddr: `127.0.0.1:${ports.broker}`,
    brokerName: String(conf['brokerName']),
    clusterName: String(conf['brokerClusterName']),
    storeDir,
    ports,
    kill: endAll,
    stop: async () => {
      for (const running of started) {
        const exit = await running.stop(STOP_TIMEOUT_MS)
        if (exit.signal === 'SIGKILL') throw new Error(`${running.name} did not stop in time`)
      }
    },
  }
}
