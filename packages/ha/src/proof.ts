import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Random } from '@apogee/env'
import { HA_NONCE_SIZE } from '@apogee/protocol'

/** What both sides have said of themselves, byte for byte: HELLO's payload, and WELCOME's without its proof. */
export interface Greetings {
  readonly hello: Uint8Array
  readonly welcome: Uint8Array
}

/**
 * Shows that one side knows haSharedSecret: HMAC-SHA256 over its role and both greetings, whose nonces are new for each
 * connection. A proof of one role, or of another connection, proves nothing here.
 */
export function haProof(secret: string, role: 'master' | 'slave', greetings: Greetings): Buffer {
  const mac = createHmac('sha256', secret)
  mac.update(`apogee-ha ${role}\0`)
  mac.update(greetings.hello)
  mac.update(greetings.welcome)
  return mac.digest()
}

/** Compares in the same time whatever differs. */
export function isSameProof(proof: Uint8Array, expected: Uint8Array): boolean {
  return proof.length === expected.length && timingSafeEqual(proof, expected)
}

export function newNonce(random: Random): Uint8Array {
  const nonce = new Uint8Array(HA_NONCE_SIZE)
  for (let i = 0; i < nonce.length; i++) nonce[i] = random.below(256)
  return nonce
}
