import { ApogeeError } from '@apogee/base'
import { ResponseCode, responseCodeName } from '@apogee/protocol'
import { RemotingError, type Response } from '@apogee/remoting'
import { AdminError, AdminErrorCode, type AdminErrorDetails } from '../admin-error.ts'

/** What an error of remoting means to who administers. Anything else is not ours to translate and comes back as it is. */
export function transportError(error: unknown, address: string, code: AdminErrorCode): unknown {
  if (!(error instanceof ApogeeError) || error instanceof AdminError) return error
  const { cause } = error
  const details: AdminErrorDetails = { address, retriable: true, cause: cause ?? error }
  switch (error.code) {
    case RemotingError.CONNECT_FAILED:
      return new AdminError(code, `${address} cannot be reached: ${error.message}`, details)
    case RemotingError.TIMEOUT:
      return new AdminError(code, `${address} gave no answer in time`, details)
    case RemotingError.CLOSED:
      return new AdminError(code, `${address} closed the connection: ${error.message}`, details)
    case RemotingError.TOO_MANY:
      return new AdminError(AdminErrorCode.BUSY, `too many requests to ${address}`, details)
    case RemotingError.RESPONSE_MALFORMED:
      return new AdminError(
        AdminErrorCode.ANSWER_INVALID,
        `${address} answered what cannot be read: ${error.message}`,
        { address },
      )
    default:
      return new AdminError(code, `${address}: ${error.message}`, details)
  }
}

interface Meaning {
  readonly code: AdminErrorCode
  readonly retriable?: boolean
  readonly hint?: string
}

const MEANINGS: Readonly<Record<number, Meaning>> = {
  [ResponseCode.TOPIC_NOT_EXIST]: {
    code: AdminErrorCode.TOPIC_NOT_FOUND,
    hint: '`topic list` shows the topics there are',
  },
  [ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST]: {
    code: AdminErrorCode.GROUP_NOT_FOUND,
    hint: '`group list` shows the groups there are',
  },
  [ResponseCode.QUERY_NOT_FOUND]: { code: AdminErrorCode.KEY_NOT_FOUND },
  [ResponseCode.CONSUMER_NOT_ONLINE]: { code: AdminErrorCode.CONSUMER_NOT_ONLINE },
  [ResponseCode.NO_PERMISSION]: { code: AdminErrorCode.NO_PERMISSION },
  [ResponseCode.REQUEST_CODE_NOT_SUPPORTED]: { code: AdminErrorCode.NOT_SUPPORTED },
  [ResponseCode.SYSTEM_BUSY]: { code: AdminErrorCode.BUSY, retriable: true },
  [ResponseCode.SERVICE_NOT_AVAILABLE]: { code: AdminErrorCode.BUSY, retriable: true },
  [ResponseCode.FLOW_CONTROL]: { code: AdminErrorCode.BUSY, retriable: true },
  [ResponseCode.GO_AWAY]: { code: AdminErrorCode.BROKER_UNREACHABLE, retriable: true },
}

/** The error that an answer other than SUCCESS stands for. */
export function answerError(
  response: Pick<Response, 'code' | 'remark'>,
  address: string,
): AdminError {
  // ACL 1 answers SYSTEM_ERROR; only the class in its remark says what it was.
  const isDenied = response.remark?.includes('AclException') === true
  const known = isDenied ? ResponseCode.NO_PERMISSION : response.code
  const meaning = MEANINGS[known] ?? { code: AdminErrorCode.REFUSED }
  const remark = response.remark?.trim() || 'no reason given'
  const name = responseCodeName(response.code)
  return new AdminError(meaning.code, `${address} answered ${name}: ${remark.slice(0, 500)}`, {
    responseCode: response.code,
    address,
    retriable: meaning.retriable ?? false,
    ...(meaning.hint === undefined ? {} : { hint: meaning.hint }),
  })
}
