import type { ApogeeError } from '@apogee/base'
import { ResponseCode, requestCodeName, responseCodeName } from '@apogee/protocol'
import { RemotingError, type Response } from '@apogee/remoting'
import { ErrorCode, RocketMQError } from '../api/errors.ts'

const codes: ReadonlyMap<number, ErrorCode> = new Map([
  [ResponseCode.SYSTEM_BUSY, ErrorCode.BROKER_BUSY],
  [ResponseCode.FLOW_CONTROL, ErrorCode.BROKER_BUSY],
  [ResponseCode.NO_PERMISSION, ErrorCode.NO_PERMISSION],
  [ResponseCode.TOPIC_NOT_EXIST, ErrorCode.TOPIC_NOT_FOUND],
  [ResponseCode.SUBSCRIPTION_PARSE_FAILED, ErrorCode.BAD_EXPRESSION],
])

/** Response codes after which the same request may succeed a moment later, or at another broker. */
const RETRIABLE: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.NO_BUYER_ID,
  ResponseCode.NOT_IN_CURRENT_UNIT,
  ResponseCode.FLOW_CONTROL,
  ResponseCode.GO_AWAY,
])

/** What a server's refusal is to a user. `broker` is the name or address that answered. */
export function errorOfResponse(
  requestCode: number,
  response: Pick<Response, 'code' | 'remark'>,
  broker: string,
): RocketMQError {
  const { code, remark } = response
  // ACL 1 answers SYSTEM_ERROR; only the class in its remark says what it was.
  const isDenied = code === ResponseCode.SYSTEM_ERROR && remark?.includes('AclException') === true
  const reason = remark === null || remark === '' ? '' : `: ${remark.slice(0, 500)}`
  const text = `${broker} refused ${requestCodeName(requestCode)} with ${responseCodeName(code)}${reason}`
  return new RocketMQError(
    isDenied ? ErrorCode.NO_PERMISSION : (codes.get(code) ?? ErrorCode.BROKER_REFUSED),
    text,
    { responseCode: code, broker, retriable: RETRIABLE.has(code) && !isDenied },
  )
}

/** What a request that got no response ended with. `requestCode` −1: there was no request, only a connection. */
export function errorOfRemoting(
  requestCode: number,
  error: ApogeeError,
  broker: string,
): RocketMQError {
  const details = { broker, cause: error, retriable: true }
  const what = requestCode < 0 ? 'connect' : requestCodeName(requestCode)
  switch (error.code) {
    case RemotingError.TIMEOUT:
      return new RocketMQError(
        ErrorCode.TIMEOUT,
        `${broker} did not answer ${what} in time`,
        details,
      )
    case RemotingError.TOO_MANY:
      return new RocketMQError(ErrorCode.BROKER_BUSY, error.message, details)
    case RemotingError.RESPONSE_MALFORMED:
      return new RocketMQError(
        ErrorCode.PROTOCOL,
        `${broker} answered ${what} with ${error.message}`,
        {
          ...details,
          retriable: false,
        },
      )
    default:
      return new RocketMQError(ErrorCode.BROKER_UNREACHABLE, `${what}: ${error.message}`, details)
  }
}

/**
 * An error that says "try again" comes so much later, at least: whoever does in a loop would otherwise keep everything
 * else in this process from happening.
 */
export const RETRIABLE_ERROR_MS = 1

export function closedError(): RocketMQError {
  return new RocketMQError(ErrorCode.CLOSED, 'this client is closed')
}

export function invalidArgument(message: string): RocketMQError {
  return new RocketMQError(ErrorCode.INVALID_ARGUMENT, message)
}

/** What was thrown, as an Error. */
export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown))
}
