// The one place where the client meets the real world: who gives it no ports gets this machine's.
import { homedir, networkInterfaces } from 'node:os'
import { pid } from 'node:process'
import type { Env } from '@apogee/env'
import { nodeEnv } from '@apogee/env/node'

/** What a client wants to know of the process that it is in. */
export interface Surroundings {
  env: Env
  /** Part of the client id and of message ids. */
  clientIp: string
  processId: number
  /** NAMESRV_ADDR of the environment. */
  namesrvAddr: string | null
  homeFolder: string
  /** Of local time, as Java's message ids count. */
  zoneOffsetMs: number
  /** Keeps the process from ending by itself until what it returns is called. */
  holdProcess?: () => () => void
}

/** The longest that a timer can be set to. */
const FOREVER_MS = 2 ** 31 - 1

/** This machine, with its ports or with those given. */
export function surroundings(env?: Env): Surroundings {
  return {
    env: env ?? nodeEnv(),
    clientIp: firstAddress(),
    processId: pid,
    namesrvAddr: process.env['NAMESRV_ADDR'] ?? null,
    homeFolder: homedir(),
    zoneOffsetMs: -new Date().getTimezoneOffset() * 60_000,
    holdProcess,
  }
}

function holdProcess(): () => void {
  const timer = setInterval(() => undefined, FOREVER_MS)
  return () => clearInterval(timer)
}

/** The first IPv4 address that is not loopback, else the first IPv6 one, else loopback. */
function firstAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const outer = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
  const chosen = outer.find(({ family }) => family === 'IPv4') ?? outer[0]
  return chosen?.address ?? '127.0.0.1'
}
