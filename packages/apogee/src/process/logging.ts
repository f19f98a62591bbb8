import { type Logger, type LoggerOptions, pino, stdTimeFunctions } from 'pino'

export type LogFormat = 'auto' | 'json' | 'pretty'

export interface LogOptions {
  level: string
  format: LogFormat
}

/** The one logger of the process: JSON lines on stdout, or readable lines on a terminal. */
export async function createLogger(options: LogOptions): Promise<Logger> {
  const settings: LoggerOptions = {
    level: options.level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
  }
  const pretty = options.format === 'pretty' || (options.format === 'auto' && process.stdout.isTTY)
  if (!pretty) return pino(settings, pino.destination({ fd: 1, sync: true }))
  const { default: build } = await import('pino-pretty')
  return pino(
    settings,
    build({
      sync: true,
      ignore: 'pid,hostname',
      translateTime: 'SYS:HH:MM:ss.l',
      singleLine: true,
    }),
  )
}
