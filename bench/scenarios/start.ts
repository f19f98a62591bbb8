// `npm start` in an installed checkout: time to the ready line, and to the first message consumed.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RunningProcess } from '../../e2e/harness/processes.ts'
import { pause } from '../load/measured-window.ts'
import { PullConnection } from '../load/pull-connection.ts'
import { SendConnection } from '../load/send-connection.ts'
import { sendTemplates } from '../load/send-templates.ts'
import { processTree } from '../measure/process-tree.ts'
import { type Goal, rowOf, type Samples } from '../report/result.ts'
import type { BenchOptions, Outcome, Scenario } from './scenario.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const TOPIC = 'FirstMessage'
const BOOT_TIMEOUT_MS = 30_000
const MESSAGE_TIMEOUT_MS = 10_000

/** With npm in front, as the README says, and without: npm's own share is no small one. */
const COMMANDS: readonly { shape: string; command: string; args: readonly string[] }[] = [
  { shape: 'npm start', command: 'npm', args: ['start', '--silent', '--'] },
  {
    shape: 'node apogee.ts start',
    command: process.execPath,
    args: [join('packages', 'apogee', 'src', 'bin', 'apogee.ts'), 'start'],
  },
]

async function run(options: BenchOptions, samples: Samples): Promise<Outcome> {
  if (!options.candidates.includes('apogee')) {
    return { rows: [], notes: ['only Apogee is measured here'] }
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const { shape, command, args } of COMMANDS) {
      const folder = join(options.folder, `start-${Date.now()}`)
      samples.add('apogee', shape, round, await startOnce(command, args, folder))
      await pause(0.2)
    }
  }
  const rows = COMMANDS.flatMap(({ shape }) => {
    const goal = { unit: 's', better: 'lower' } as const
    const ready: Goal = { ...goal, measure: `${shape} to ready`, atLeast: 0.5, aim: 0.25 }
    const first: Goal = { ...goal, measure: `${shape} to first message`, atLeast: 1, aim: 0.4 }
    return [
      rowOf(ready, samples.median('apogee', shape, 'readySeconds'), 'limit'),
      rowOf(first, samples.median('apogee', shape, 'firstMessageSeconds'), 'limit'),
    ]
  })
  return { rows, notes: [] }
}

async function startOnce(
  command: string,
  args: readonly string[],
  folder: string,
): Promise<Record<string, number>> {
  mkdirSync(folder, { recursive: true })
  const portsFile = join(folder, 'ports.json')
  const own = ['--store', join(folder, 'store'), '--ports-file', portsFile]
  const ports = ['--port', '0', '--namesrv-port', '0', '--http-port', '0']
  const startedMs = performance.now()
  const running = new RunningProcess({
    name: 'apogee start',
    command,
    args: [...args, ...own, ...ports],
    cwd: ROOT,
    logFile: join(folder, 'start.out'),
  })
  try {
    await running.waitForLine(/boot success/, BOOT_TIMEOUT_MS)
    const readySeconds = (performance.now() - startedMs) / 1000
    const { broker } = JSON.parse(readFileSync(portsFile, 'utf8')) as { broker: number }
    await inTime(firstMessage(broker))
    return { readySeconds, firstMessageSeconds: (performance.now() - startedMs) / 1000 }
  } finally {
    // A signal to npm does not reach what it started: end the server itself, and npm follows.
    if (running.running) process.kill(processTree(running.pid).at(-1) ?? running.pid, 'SIGTERM')
    await running.exited
  }
}

async function inTime(work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(
    () => late.reject(new Error(`no message in ${MESSAGE_TIMEOUT_MS} ms`)),
    MESSAGE_TIMEOUT_MS,
  )
  await Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}

/** Sends one message to a topic that does not exist yet, and pulls it. */
async function firstMessage(port: number): Promise<void> {
  const host = '127.0.0.1'
  const body = Buffer.alloc(1024, 'x')
  const templates = sendTemplates({
    topicPrefix: TOPIC,
    topics: 1,
    queues: 1,
    bodySize: body.length,
    form: 'binary',
  })
  const stored = Promise.withResolvers<void>()
  const producer = new SendConnection(
    {
      host,
      port,
      form: 'binary',
      templates,
      templateStart: 0,
      templateStep: 1,
      body,
      inFlightMax: 1,
    },
    {
      answered: (_stampMs, _nowMs, code) =>
        code === 0 ? stored.resolve() : stored.reject(new Error(`send answered with ${code}`)),
      closed: (error) => stored.reject(error ?? new Error('connection closed')),
    },
  )
  await producer.open()
  producer.send(1, 0)
  await stored.promise
  const received = Promise.withResolvers<void>()
  const consumer = new PullConnection(
    { host, port, group: 'first', topic: TOPIC, queues: [{ queueId: 0, offset: 0 }], batchMax: 1 },
    { record: () => received.resolve(), wantsMore: () => true },
  )
  await consumer.start()
  await received.promise
  consumer.close()
  producer.close()
}

export const start: Scenario = {
  name: 'start',
  summary: 'npm start to ready and first message',
  run,
}
