// JVMs with the unmodified Java client or Apache's mqadmin.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type ClientVersion, javaProgram, rocketmqVersions } from './builds.ts'
import { ClientProgram } from './client-program.ts'
import { javaArguments } from './java.ts'
import { RunningProcess } from './processes.ts'

export interface JavaClientOptions {
  version: ClientVersion
  namesrvAddr: string
  dir: string
  /** Header form of its requests; JSON is the library's default. */
  serializeType?: 'JSON' | 'ROCKETMQ'
  /** -Xmx, for one that keeps much of what it receives; 256m otherwise. */
  heap?: string
}

export async function startJavaClient(options: JavaClientOptions): Promise<ClientProgram> {
  const home = join(options.dir, `java-${options.version}`)
  const serializeType = options.serializeType ?? 'JSON'
  const running = new RunningProcess({
    name: `java client ${options.version}`,
    command: 'java',
    args: javaArguments({
      classPath: await javaProgram('client', options.version),
      main: 'client.Main',
      args: ['serve'],
      home,
      ...(options.heap === undefined ? {} : { heap: options.heap }),
      properties: {
        'rocketmq.serialize.type': serializeType,
        // Otherwise the client writes half a megabyte of logs below the user's home.
        'rocketmq.client.logRoot': join(home, 'logs'),
        'rocketmq.client.localOffsetStoreDir': join(home, 'offsets'),
      },
    }),
    logFile: join(home, 'client.out'),
  })
  await running.waitForLine(/"ready":true/, 30_000)
  return new ClientProgram(running, { namesrv: options.namesrvAddr })
}

/** Apache's mqadmin in one JVM: `run('topicRoute', {t: topic})` gives what the command prints. */
export async function startMqadmin(namesrvAddr: string, dir: string): Promise<ClientProgram> {
  const home = join(dir, 'mqadmin')
  mkdirSync(home, { recursive: true })
  const running = new RunningProcess({
    name: 'mqadmin',
    command: 'java',
    args: javaArguments({
      classPath: await javaProgram('admin', rocketmqVersions.current),
      main: 'admin.Main',
      args: [],
      home,
      properties: {
        'rmq.logback.configurationFile': 'rmq.tools.logback.xml',
        'rocketmq.client.logRoot': join(home, 'logs'),
      },
    }),
    env: { ROCKETMQ_HOME: home },
    // Some commands write files into the folder in which they run.
    cwd: home,
    logFile: join(home, 'mqadmin.out'),
  })
  await running.waitForLine(/"ready":true/, 30_000)
  return new ClientProgram(running, { n: namesrvAddr })
}
