import { styleText } from 'node:util'
import type { Logger } from 'pino'

export interface Started {
  /** `broker broker-a`, `namesrv`. */
  name: string
  version: string
  /** What to point a client, or a browser, at. */
  addresses: readonly { what: string; address: string }[]
  store: string | null
  readyMs: number
}

/**
 * Says that the program serves: a few lines on a terminal, one JSON line elsewhere. Both hold `boot success`, which
 * RocketMQ's own start prints and scripts wait for.
 */
export function announce(started: Started, log: Logger, terminal: boolean): void {
  const { name, version, addresses, store, readyMs } = started
  const ready = `${name} boot success, ready in ${Math.round(readyMs)} ms`
  if (!terminal) {
    const places = Object.fromEntries(addresses.map(({ what, address }) => [what, address]))
    log.info(
      {
        event: 'boot_success',
        version,
        ...places,
        ...(store === null ? {} : { store }),
        readyMs: Math.round(readyMs),
      },
      ready,
    )
    return
  }
  const width = Math.max(...addresses.map(({ what }) => what.length), 'store'.length)
  const lines = [
    '',
    `  ${styleText(['bold', 'cyan'], 'Apogee')} ${styleText('dim', version)}  ${styleText('green', ready)}`,
    '',
  ]
  for (const { what, address } of addresses)
    lines.push(`  ${styleText('dim', what.padEnd(width))}  ${address}`)
  if (store !== null) lines.push(`  ${styleText('dim', 'store'.padEnd(width))}  ${store}`)
  process.stdout.write(`${lines.join('\n')}\n\n`)
}
