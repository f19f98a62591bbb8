import { isMalformed } from '@apogee/base'
import {
  formatPropertiesText,
  parsePropertiesText,
  RequestCode,
  ResponseCode,
} from '@apogee/protocol'
import { type Answer, type Handler, handler, type Request, refuse, success } from '@apogee/remoting'
import { type NamesrvServices, refuseBody } from './services.ts'

/** The configuration at runtime: UPDATE_NAMESRV_CONFIG, GET_NAMESRV_CONFIG. */
export function configHandlers(services: NamesrvServices): Handler[] {
  return [
    handler({
      code: RequestCode.UPDATE_NAMESRV_CONFIG,
      lane: 'admin',
      permission: 'admin',
      header: {},
      handle: (request) => updateConfig(services, request),
    }),
    handler({
      code: RequestCode.GET_NAMESRV_CONFIG,
      lane: 'admin',
      permission: 'admin',
      header: {},
      handle: () => success(Buffer.from(formatPropertiesText(services.settings.entries()))),
    }),
  ]
}

/** All changes or, when one of them is not allowed or has a bad value, none. */
async function updateConfig(services: NamesrvServices, request: Request<unknown>): Promise<Answer> {
  const { settings, log } = services
  const { remoteAddress } = request.connection
  const entries = parsePropertiesText(request.body)
  if (isMalformed(entries)) return refuseBody(entries)
  const changes = settings.check(entries)
  if (isMalformed(changes)) {
    const isForbidden = changes.code === 'CONFIG_NOT_RELOADABLE'
    const code = isForbidden ? ResponseCode.NO_PERMISSION : ResponseCode.INVALID_PARAMETER
    log.warn({ event: 'config_change_refused', reason: changes.detail, remoteAddress })
    return refuse(code, `${changes.code}: ${changes.detail}`)
  }
  settings.apply(changes)
  log.info({ event: 'config_changed', changes: Object.fromEntries(changes), remoteAddress })
  const kept = new Map([...changes].map(([key, value]) => [key, String(value)]))
  const failure = await services.keepSettings(kept)
  if (failure === null) return success()
  return refuse(ResponseCode.SYSTEM_ERROR, `in effect, but not kept for a restart: ${failure}`)
}
