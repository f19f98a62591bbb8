/** How the program ends, for the shell. */
export const ExitCode = {
  OK: 0,
  /** It did not work, for another reason than those below. */
  FAILURE: 1,
  /** Called with words or options that do not fit. */
  USAGE: 2,
  /** A configuration or context that cannot be used. */
  CONFIG: 3,
  /** A server could not be reached, or gave no answer in time. */
  UNREACHABLE: 4,
  /** Some servers, or messages, failed; what is shown is a part. */
  PARTIAL: 5,
  /** Ended by SIGINT before it was done. */
  INTERRUPTED: 130,
  /** Ended by SIGTERM before it was done. */
  TERMINATED: 143,
} as const
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]
