// The handler registries of the servers, as a running server has them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Broker, BrokerConfig } from '@apogee/broker'
import { nodeEnv } from '@apogee/env/node'
import { NameServer } from '@apogee/namesrv'
import { RequestCode, type RequestCodeName } from '@apogee/protocol'
import { type Handler, type Lane, type Permission, silentLogger } from '@apogee/remoting'

export type ServerName = 'namesrv' | 'broker'

export interface ServedCode {
  server: ServerName
  name: RequestCodeName
  code: number
  lane: Lane
  permission: Permission
}

const nameOfCode = new Map<number, RequestCodeName>(
  Object.entries(RequestCode).map(([name, code]) => [code, name as RequestCodeName]),
)

function served(server: ServerName, handlers: readonly Handler[]): ServedCode[] {
  return handlers.map(({ code, lane, permission }) => {
    const name = nameOfCode.get(code)
    if (name === undefined) throw new Error(`${server} serves ${code}, which RequestCode lacks`)
    return { server, name, code, lane, permission }
  })
}

/** Starts each server on free ports in a temporary folder, asks for its codes, stops it. */
export async function servedCodes(): Promise<ServedCode[]> {
  const folder = mkdtempSync(join(tmpdir(), 'apogee-compatibility-'))
  const deps = { env: nodeEnv(), log: silentLogger }
  const config = BrokerConfig.of({
    listenPort: 0,
    brokerIP1: '127.0.0.1',
    storePathRootDir: join(folder, 'store'),
  })
  const namesrv = new NameServer({ kvConfigPath: join(folder, 'kvConfig.json') }, deps)
  const broker = new Broker(config, deps)
  try {
    await broker.start()
    return [
      ...served('namesrv', namesrv.registry.list()),
      ...served('broker', broker.registry.list()),
    ]
  } finally {
    await broker.stop(0)
    rmSync(folder, { recursive: true, force: true })
  }
}
