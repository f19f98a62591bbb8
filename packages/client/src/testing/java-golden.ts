import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface GoldenSignature {
  readonly accessKey: string
  readonly secretKey: string
  readonly securityToken?: string
  readonly fields: Readonly<Record<string, string>>
  readonly body: string | null
  /** The fields with those of the signature. */
  readonly signed: Readonly<Record<string, string>>
}

export interface GoldenRecall {
  readonly topic: string
  readonly brokerName: string
  readonly handle: string
}

export interface GoldenTrace {
  readonly type: string
  readonly text: string
  /** Sorted. */
  readonly keys: readonly string[]
}

/** What the Java client has made, of one kind: testdata/ClientGolden.java wrote it. */
export function goldenOf<G>(kind: 'signature' | 'recall' | 'trace'): G[] {
  const path = join(import.meta.dirname, '..', 'testdata', 'client-golden.jsonl')
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  const all = lines.map((line) => JSON.parse(line) as G & { kind?: string })
  const found = all.filter((one) => one.kind === kind)
  for (const one of found) delete one.kind
  return found
}
