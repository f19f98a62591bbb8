import { renameSync, writeFileSync } from 'node:fs'

/** Ports that were really bound: what asking for port 0 gave. */
export interface Ports {
  namesrv?: number
  broker?: number
  fast?: number
  ha?: number
  http?: number
}

/** Writes the ports as JSON, whole or not at all: whoever waits for the file must not read half of it. */
export function writePortsFile(path: string, ports: Ports): void {
  const temporary = `${path}.${process.pid}.tmp`
  writeFileSync(temporary, `${JSON.stringify(ports)}\n`)
  renameSync(temporary, path)
}
