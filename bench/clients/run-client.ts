// Clients of three houses under the same load, each in a process of its own.
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { aliOnsProgram, javaProgram, rocketmqVersions } from '../../e2e/harness/builds.ts'
import { javaArguments } from '../../e2e/harness/java.ts'
import { mustRun } from '../../e2e/harness/processes.ts'

export const clientNames = ['apogee', 'java', 'ali-ons'] as const
export type ClientName = (typeof clientNames)[number]

const TIMEOUT_MS = 10 * 60_000
const OUR_PROGRAM = fileURLToPath(new URL('./apogee-client.ts', import.meta.url))
/** A JVM with room, so that its collector is not what is measured. */
const JAVA_HEAP = '1g'

async function commandOf(
  name: ClientName,
  folder: string,
): Promise<{ command: string; args: string[] }> {
  switch (name) {
    case 'apogee':
      return { command: process.execPath, args: ['--expose-gc', OUR_PROGRAM] }
    case 'ali-ons':
      return {
        command: process.execPath,
        args: [join(dirname(await aliOnsProgram()), 'bench.cjs')],
      }
    case 'java': {
      const home = join(folder, 'java-client')
      mkdirSync(home, { recursive: true })
      const args = javaArguments({
        classPath: await javaProgram('bench', rocketmqVersions.current),
        main: 'bench.Main',
        args: [],
        home,
        heap: JAVA_HEAP,
        properties: {
          'rocketmq.client.logRoot': join(home, 'logs'),
          // Its faster header form.
          'rocketmq.serialize.type': 'ROCKETMQ',
        },
      })
      return { command: 'java', args }
    }
  }
}

/** Runs one program of a client to its end and parses the JSON line that it prints last. */
export async function runClient<Report>(
  name: ClientName,
  args: readonly (string | number)[],
  folder: string,
): Promise<Report> {
  const { command, args: before } = await commandOf(name, folder)
  const text = await mustRun({
    command,
    args: [...before, ...args.map(String)],
    timeoutMs: TIMEOUT_MS,
  })
  return JSON.parse(text.trim().split('\n').at(-1) ?? '') as Report
}

/** Builds what is published, as it is now; gives the entry of one package. */
export async function publishedEntry(name: 'apogee' | 'client'): Promise<string> {
  const root = join(import.meta.dirname, '..', '..')
  const args = [join(root, 'scripts', 'build.ts')]
  await mustRun({ command: process.execPath, args, cwd: root, timeoutMs: TIMEOUT_MS })
  return join(root, 'dist', 'packages', name, 'dist', 'mod.js')
}
