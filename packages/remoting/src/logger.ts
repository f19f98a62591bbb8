type LogCall = (fields: object, message?: string) => void

/**
 * The pino shape: `log.info({ event: 'connection_refused', … })`. Events with fields, never prose to parse. Components take
 * a logger, they never create one.
 */
export interface Logger {
  debug: LogCall
  info: LogCall
  warn: LogCall
  error: LogCall
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
