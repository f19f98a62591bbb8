import { ApogeeError } from '@apogee/base'

/** Stable codes of failed administration. */
export const AdminErrorCode = {
  /** No such topic on the NameServer or broker. */
  TOPIC_NOT_FOUND: 'ADMIN_TOPIC_NOT_FOUND',
  GROUP_NOT_FOUND: 'ADMIN_GROUP_NOT_FOUND',
  MESSAGE_NOT_FOUND: 'ADMIN_MESSAGE_NOT_FOUND',
  CLUSTER_NOT_FOUND: 'ADMIN_CLUSTER_NOT_FOUND',
  BROKER_NOT_FOUND: 'ADMIN_BROKER_NOT_FOUND',
  QUEUE_NOT_FOUND: 'ADMIN_QUEUE_NOT_FOUND',
  /** No such key, or nothing in the namespace. */
  KEY_NOT_FOUND: 'ADMIN_KEY_NOT_FOUND',
  /** No consumer of the group is connected. */
  CONSUMER_NOT_ONLINE: 'ADMIN_CONSUMER_NOT_ONLINE',
  /** No connection, a lost one, or no answer in time. */
  BROKER_UNREACHABLE: 'ADMIN_BROKER_UNREACHABLE',
  /** No NameServer of the list could be reached. */
  NAMESRV_UNREACHABLE: 'ADMIN_NAMESRV_UNREACHABLE',
  /** The server does not serve the request. */
  NOT_SUPPORTED: 'ADMIN_NOT_SUPPORTED',
  NO_PERMISSION: 'ADMIN_NO_PERMISSION',
  /** The server is busy or flow controls; later may work. */
  BUSY: 'ADMIN_BUSY',
  /** The server refused for another reason: `responseCode` and the message say which. */
  REFUSED: 'ADMIN_REFUSED',
  /** An answer that is not of its form. */
  ANSWER_INVALID: 'ADMIN_ANSWER_INVALID',
  /** Options that do not fit: missing, contradicting, not a number. */
  USAGE: 'ADMIN_USAGE',
  /** A file could not be read or written, or does not hold what it should. */
  FILE: 'ADMIN_FILE',
  /** The signal ended the work. */
  ABORTED: 'ADMIN_ABORTED',
} as const
export type AdminErrorCode = (typeof AdminErrorCode)[keyof typeof AdminErrorCode]

export interface AdminErrorDetails {
  /** What the server answered (ResponseCode). */
  responseCode?: number
  /** Whom we asked: "host:port". */
  address?: string
  /** Whether the same call may work later, unchanged. */
  retriable?: boolean
  /** What to do about it, in one sentence. */
  hint?: string
  cause?: unknown
}

/** A failed administration call. */
export class AdminError extends ApogeeError {
  declare readonly code: AdminErrorCode
  readonly responseCode: number | null
  readonly address: string | null
  readonly retriable: boolean
  readonly hint: string | null

  constructor(code: AdminErrorCode, message: string, details: AdminErrorDetails = {}) {
    super(code, message, 'cause' in details ? { cause: details.cause } : undefined)
    this.responseCode = details.responseCode ?? null
    this.address = details.address ?? null
    this.retriable = details.retriable ?? false
    this.hint = details.hint ?? null
  }
}
