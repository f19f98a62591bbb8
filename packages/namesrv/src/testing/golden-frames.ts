import { readFileSync } from 'node:fs'

// For tests: frames recorded from Apache RocketMQ, with the script that recorded them in
// e2e/record-golden.ts.

const folder = new URL('../../../protocol/testdata/golden/', import.meta.url)

/** The bytes of one frame, its length field included; `name` as in index.json, without `.bin`. */
export function goldenFrame(name: string): Buffer {
  return readFileSync(new URL(`${name}.bin`, folder))
}
