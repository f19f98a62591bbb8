import { createHmac } from 'node:crypto'
import type { ExtFields } from '@apogee/protocol'
import type { Credentials } from '../api/options.ts'

const ACCESS_KEY = 'AccessKey'
const SECURITY_TOKEN = 'SecurityToken'
const SIGNATURE = 'Signature'

/**
 * Signs requests as ACL 1 and 2 want it (Java: AclClientRPCHook, AclUtils): HMAC-SHA1 with the secret key over the values
 * of all fields in the order of their names, then the body; base64.
 */
export class Signer {
  private readonly credentials: Credentials

  constructor(credentials: Credentials) {
    this.credentials = credentials
  }

  /** The fields of the request with those of the signature. */
  sign(fields: ExtFields | null, body: Uint8Array | null): ExtFields {
    const { accessKey, secretKey, securityToken } = this.credentials
    const signed: ExtFields = new Map(fields ?? [])
    signed.set(ACCESS_KEY, accessKey)
    if (securityToken !== undefined) signed.set(SECURITY_TOKEN, securityToken)
    const mac = createHmac('sha1', secretKey)
    for (const name of [...signed.keys()].sort(byCodeUnit)) {
      if (name !== SIGNATURE) mac.update(signed.get(name)!, 'utf8')
    }
    if (body !== null) mac.update(body)
    signed.set(SIGNATURE, mac.digest('base64'))
    return signed
  }
}

/** As java.lang.String compares: locale has no say. */
function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
