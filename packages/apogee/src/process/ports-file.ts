import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { ApogeeError } from '@apogee/base'

/** Ports that were really bound: what asking for port 0 gave. */
export interface Ports {
  namesrv?: number
  broker?: number
  fast?: number
  /** Where slaves copy the log. */
  ha?: number
  http?: number
}

/**
 * Writes the ports as JSON, whole or not at all: whoever waits for the file must not read half of it. Throws
 * CONFIG_PORTS_FILE.
 */
export function writePortsFile(path: string, ports: Ports): void {
  attempt(path, () => {
    const temporary = `${path}.${process.pid}.tmp`
    writeFileSync(temporary, `${JSON.stringify(ports)}\n`)
    renameSync(temporary, path)
  })
}

/** That of an earlier run must not be taken for this one's. Throws CONFIG_PORTS_FILE. */
export function removePortsFile(path: string): void {
  attempt(path, () => rmSync(path, { force: true }))
}

function attempt(path: string, task: () => void): void {
  try {
    task()
  } catch (cause) {
    const text = `--ports-file ${path}: ${(cause as Error).message}`
    throw new ApogeeError('CONFIG_PORTS_FILE', text, { cause })
  }
}
