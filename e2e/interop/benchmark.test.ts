// Apache's own benchmark Producer and Consumer, for a bounded time, against INTEROP_TARGET.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { rocketmqJars, rocketmqVersions } from '../harness/builds.ts'
import { javaArguments } from '../harness/java.ts'
import { RunningProcess, temporaryFolder } from '../harness/processes.ts'
import { endTarget, startTarget } from '../harness/start-target.ts'
import { chosenTarget, type Target } from '../harness/target.ts'

const REPORTS = 3
const REPORT_TIMEOUT_MS = 90_000

/** Starts one of the programs as its shell script does, reporting every two seconds. */
async function startBenchmark(
  target: Target,
  dir: string,
  program: 'Producer' | 'Consumer',
  args: readonly string[],
): Promise<RunningProcess> {
  return new RunningProcess({
    name: `benchmark ${program}`,
    command: 'java',
    args: javaArguments({
      classPath: join(await rocketmqJars(rocketmqVersions.current), '*'),
      main: `org.apache.rocketmq.example.benchmark.${program}`,
      args: ['-n', target.namesrvAddr, '-ri', '2000', ...args],
      home: dir,
      properties: {
        'rocketmq.client.logRoot': join(dir, 'logs'),
        'org.apache.rocketmq.remoting.protocol.SerializeType': 'ROCKETMQ',
        'rocketmq.serialize.type': 'ROCKETMQ',
      },
    }),
    logFile: join(dir, `benchmark-${program}.out`),
  })
}

/** Waits for `count` lines with a number in place of `pattern`'s group, and gives those lines. */
async function reports(running: RunningProcess, pattern: RegExp, count: number): Promise<string[]> {
  const found: string[] = []
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      remove()
      reject(new Error(`${running.name}: ${found.length} reports in time; see ${running.logFile}`))
    }, REPORT_TIMEOUT_MS)
    const remove = running.onLine((line) => {
      if (Number(pattern.exec(line)?.[1] ?? 0) > 0) found.push(line)
      if (found.length < count) return
      clearTimeout(timer)
      remove()
      resolve(found)
    })
  })
}

describe(`Apache's benchmark with ${chosenTarget()}`, () => {
  const dir = temporaryFolder('benchmark')
  let target: Target

  before(async () => {
    target = await startTarget({ dir })
  })
  after(async () => {
    await endTarget(target)
  })

  it('sends and consumes without a failure', { timeout: 180_000 }, async () => {
    const consumer = await startBenchmark(target, dir, 'Consumer', ['-t', 'BenchmarkTest'])
    const producerArguments = ['-t', 'BenchmarkTest', '-w', '16', '-s', '1024']
    const producer = await startBenchmark(target, dir, 'Producer', producerArguments)
    try {
      const [sent, consumed] = await Promise.all([
        reports(producer, /Send TPS: (\d+)/, REPORTS),
        reports(consumer, /TPS: (\d+)/, REPORTS),
      ])
      for (const line of sent) assert.match(line, /Send Failed: 0 +\|? *Response Failed: 0/)
      for (const line of consumed) assert.match(line, /FAIL: 0\b/i)
      console.log(`${sent.at(-1)}\n${consumed.at(-1)}`)
    } finally {
      producer.kill()
      consumer.kill()
      await Promise.all([producer.exited, consumer.exited])
    }
  })
})
