import type { Env } from '@apogee/env'
import type { ClientRequest, Response } from '@apogee/remoting'
import { Admin } from '../operations/admin.ts'
import { type AdminConnections, AdminTransport } from '../transport/admin-transport.ts'

export interface AskedRequest extends ClientRequest {
  readonly address: string
}

/** What a server answers: a body, or a code with a remark. */
export interface ScriptedAnswer {
  readonly code?: number
  readonly remark?: string | null
  readonly fields?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

/** An Admin whose servers answer what a script says, for answers that the real ones do not give. */
export class ScriptedServer {
  readonly admin: Admin
  readonly asked: AskedRequest[] = []

  constructor(
    env: Pick<Env, 'clock' | 'net'>,
    namesrvAddrs: readonly string[],
    answer: (request: AskedRequest) => ScriptedAnswer,
  ) {
    const connections: AdminConnections = {
      invoke: async (address, request) => {
        const asked = { ...request, address }
        this.asked.push(asked)
        return responseOf(answer(asked))
      },
      close: async () => undefined,
    }
    this.admin = new Admin(new AdminTransport({ namesrvAddrs }, env, connections))
  }
}

function responseOf({ code = 0, remark = null, fields = {}, body = '' }: ScriptedAnswer): Response {
  const bytes = Buffer.from(body as string)
  return { code, remark, fields: new Map(Object.entries(fields)), body: bytes }
}
