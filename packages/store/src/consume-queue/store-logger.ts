/** The pino shape, as much of it as the store uses: fields first, then words. */
export interface StoreLogger {
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
}
