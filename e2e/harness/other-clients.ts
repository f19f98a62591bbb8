// The unmodified Go and ali-ons clients, and Apogee's own, as separate processes.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { aliOnsProgram, goProgram } from './builds.ts'
import { ClientProgram, type CommandArguments } from './client-program.ts'
import { RunningProcess } from './processes.ts'

const OUR_PROGRAM = fileURLToPath(new URL('../client/program.ts', import.meta.url))
const READY_TIMEOUT_MS = 30_000

async function startProgram(
  name: string,
  command: string,
  args: readonly string[],
  dir: string,
  defaults: CommandArguments,
): Promise<ClientProgram> {
  const logFile = join(dir, name, 'client.out')
  const running = new RunningProcess({ name, command, args, logFile })
  await running.waitForLine(/"ready":true/, READY_TIMEOUT_MS)
  return new ClientProgram(running, defaults)
}

/** rocketmq-client-go/v2. It cannot ask a NameServer for brokers, so topic creation needs the broker's address. */
export async function startGoClient(
  namesrvAddr: string,
  brokerAddr: string,
  dir: string,
): Promise<ClientProgram> {
  const defaults = { namesrv: namesrvAddr, broker: brokerAddr }
  return await startProgram('go-client', await goProgram(), [], dir, defaults)
}

/** ali-ons, on the Node that runs the suite. */
export async function startAliOnsClient(namesrvAddr: string, dir: string): Promise<ClientProgram> {
  const args = [await aliOnsProgram()]
  return await startProgram('ali-ons-client', process.execPath, args, dir, { namesrv: namesrvAddr })
}

/** Apogee's own client, on the Node that runs the suite. */
export async function startApogeeClient(
  namesrvAddr: string,
  dir: string,
  name = 'apogee-client',
): Promise<ClientProgram> {
  return await startProgram(name, process.execPath, [OUR_PROGRAM], dir, { namesrv: namesrvAddr })
}

/** The same inside something that a command leads to, such as a network namespace. */
export async function startApogeeClientIn(
  command: readonly string[],
  namesrvAddr: string,
  dir: string,
): Promise<ClientProgram> {
  const [first = '', ...rest] = command
  const args = [...rest, process.execPath, OUR_PROGRAM]
  return await startProgram('client-inside', first, args, dir, { namesrv: namesrvAddr })
}
