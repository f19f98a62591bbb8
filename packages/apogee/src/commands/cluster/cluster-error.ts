import { ApogeeError } from '@apogee/base'
import { ExitCode } from '../../cli/exit-codes.ts'

/** Stable codes of `apogee cluster`. */
export type ClusterErrorCode =
  /** A shape that this version does not have. */
  | 'CLUSTER_MODE_UNSUPPORTED'
  /** Options that do not go together, or do not fit what the folder holds. */
  | 'CLUSTER_OPTION_INVALID'
  /** There is no cluster in the folder, or a configuration in it that cannot be used. */
  | 'CLUSTER_FOLDER'
  /** No node of that name. */
  | 'CLUSTER_NODE_NOT_FOUND'
  /** The node does not run, or it runs already. */
  | 'CLUSTER_NODE_STATE'
  /** A node ended before it served, or did not serve in time; its log says why. */
  | 'CLUSTER_NODE_FAILED'
  /** Ports that the plan needs are taken. */
  | 'CLUSTER_PORT_IN_USE'

const EXIT_CODES: Readonly<Record<ClusterErrorCode, ExitCode>> = {
  CLUSTER_MODE_UNSUPPORTED: ExitCode.CONFIG,
  CLUSTER_OPTION_INVALID: ExitCode.USAGE,
  CLUSTER_FOLDER: ExitCode.CONFIG,
  CLUSTER_NODE_NOT_FOUND: ExitCode.USAGE,
  CLUSTER_NODE_STATE: ExitCode.FAILURE,
  CLUSTER_NODE_FAILED: ExitCode.FAILURE,
  CLUSTER_PORT_IN_USE: ExitCode.FAILURE,
}

/** What keeps `apogee cluster` from doing its work. */
export class ClusterError extends ApogeeError {
  declare readonly code: ClusterErrorCode
  readonly hint: string | null
  readonly exitCode: ExitCode

  constructor(
    code: ClusterErrorCode,
    message: string,
    details: { hint?: string; cause?: unknown; exitCode?: ExitCode } = {},
  ) {
    super(code, message, 'cause' in details ? { cause: details.cause } : undefined)
    this.hint = details.hint ?? null
    this.exitCode = details.exitCode ?? EXIT_CODES[code]
  }
}
