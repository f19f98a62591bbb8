import { isMalformed } from '@apogee/base'
import {
  DataVersion,
  encodeBody,
  formatPropertiesText,
  GetBrokerConfigResponseHeader,
  HeartbeatRequestHeader,
  parsePropertiesText,
  RequestCode,
  ResponseCode,
} from '@apogee/protocol'
import {
  type Answer,
  type Handler,
  handler,
  type Logger,
  type Request,
  refuse,
  succeedWith,
  success,
} from '@apogee/remoting'
import type { BrokerConfig } from '../config/broker-config.ts'
import { ADMIN } from './admin-common.ts'

export interface BrokerConfigAdminDeps {
  config: BrokerConfig
  log: Logger
  /** Keeps changes for the next start; resolves to the reason when it could not. */
  keep: ((changes: ReadonlyMap<string, string>) => Promise<string | null>) | undefined
}

/**
 * UPDATE_BROKER_CONFIG (25), GET_BROKER_CONFIG (26). Changes are made in memory, all or none, and then kept in the
 * file that
 * the broker was started with; only keys of the allow-list may change, and none of these names a path, program, address or
 * port. Java: AdminBrokerProcessor.
 */
export function brokerConfigHandlers(deps: BrokerConfigAdminDeps): Handler[] {
  return [
    handler({
      ...ADMIN,
      code: RequestCode.UPDATE_BROKER_CONFIG,
      header: HeartbeatRequestHeader,
      handle: (request) => updateConfig(deps, request),
    }),
    handler({
      ...ADMIN,
      code: RequestCode.GET_BROKER_CONFIG,
      header: HeartbeatRequestHeader,
      handle: () => {
        const { config } = deps
        const version = { stateVersion: 0, timestamp: 0, counter: config.changes }
        const body = Buffer.from(formatPropertiesText(config.dump()), 'utf8')
        const fields = { version: encodeBody(DataVersion, version).toString('utf8') }
        return succeedWith(GetBrokerConfigResponseHeader, fields, body)
      },
    }),
  ]
}

async function updateConfig(
  deps: BrokerConfigAdminDeps,
  request: Request<unknown>,
): Promise<Answer> {
  if (request.body.length === 0) return success()
  const entries = parsePropertiesText(request.body)
  if (isMalformed(entries)) {
    return refuse(ResponseCode.SYSTEM_ERROR, `${entries.code}: ${entries.detail}`)
  }
  const { remoteAddress } = request.connection
  const problems = deps.config.update(entries)
  if (problems.length > 0) {
    deps.log.warn({ event: 'config_change_refused', remoteAddress, problems })
    const isForbidden = problems.some(({ code }) => code === 'CONFIG_NOT_RELOADABLE')
    const code = isForbidden ? ResponseCode.NO_PERMISSION : ResponseCode.INVALID_PARAMETER
    return refuse(code, problems.map(({ key, message }) => `${key}: ${message}`).join('; '))
  }
  deps.log.info({ event: 'config_changed', remoteAddress, entries: Object.fromEntries(entries) })
  const failure = deps.keep === undefined ? null : await deps.keep(entries)
  if (failure === null) return success()
  return refuse(ResponseCode.SYSTEM_ERROR, `in effect, but not kept for a restart: ${failure}`)
}
