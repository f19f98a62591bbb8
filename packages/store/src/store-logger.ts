/** The pino shape: events with fields first, a sentence for people second. */
export interface StoreLogger {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
}
