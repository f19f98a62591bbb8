import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { TlsIdentity } from '@apogee/env'

const DAY_MS = 86_400_000
const VALID_DAYS = 365

const Tag = {
  INTEGER: 0x02,
  BIT_STRING: 0x03,
  OBJECT_IDENTIFIER: 0x06,
  UTF8_STRING: 0x0c,
  SEQUENCE: 0x30,
  SET: 0x31,
  GENERALIZED_TIME: 0x18,
  VERSION: 0xa0,
} as const

/** OBJECT IDENTIFIER contents: id-at-commonName, ecdsa-with-SHA256. */
const COMMON_NAME = Buffer.from([0x55, 0x04, 0x03])
const ECDSA_SHA256 = Buffer.from([0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02])

/**
 * A key with a certificate that it signed itself, as Apache has without further ado (SelfSignedCertificate of Netty): for
 * clients that encrypt and do not verify. X.509 v3 without extensions:
 *
 *     SEQUENCE { tbs: SEQUENCE { [0] version, serial, algorithm, issuer, validity, subject, publicKey },
 *                algorithm, BIT STRING signature }
 */
export function selfSignedIdentity(nowMs: number = Date.now()): TlsIdentity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const algorithm = der(Tag.SEQUENCE, der(Tag.OBJECT_IDENTIFIER, ECDSA_SHA256))
  const name = commonName('apogee self-signed')
  const serial = randomBytes(16)
  // A positive number without a leading zero.
  serial[0] = (serial[0]! & 0x3f) | 0x40
  const toBeSigned = der(
    Tag.SEQUENCE,
    der(Tag.VERSION, der(Tag.INTEGER, Buffer.from([2]))),
    der(Tag.INTEGER, serial),
    algorithm,
    name,
    der(Tag.SEQUENCE, time(nowMs - DAY_MS), time(nowMs + VALID_DAYS * DAY_MS)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = sign('sha256', toBeSigned, privateKey)
  const noUnusedBits = Buffer.from([0])
  const certificate = der(
    Tag.SEQUENCE,
    toBeSigned,
    algorithm,
    der(Tag.BIT_STRING, noUnusedBits, signature),
  )
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
  return { key: key.toString(), cert: pem(certificate) }
}

function commonName(text: string): Buffer {
  const type = der(Tag.OBJECT_IDENTIFIER, COMMON_NAME)
  const value = der(Tag.UTF8_STRING, Buffer.from(text))
  return der(Tag.SEQUENCE, der(Tag.SET, der(Tag.SEQUENCE, type, value)))
}

/** `YYYYMMDDHHMMSSZ`. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\..*/g, '')
  return der(Tag.GENERALIZED_TIME, Buffer.from(`${digits}Z`))
}

/** Tag, length, contents. */
function der(tag: number, ...contents: Buffer[]): Buffer {
  const body = Buffer.concat(contents)
  const { length } = body
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), body])
  if (length < 0x100) return Buffer.concat([Buffer.from([tag, 0x81, length]), body])
  return Buffer.concat([Buffer.from([tag, 0x82, length >> 8, length & 0xff]), body])
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
