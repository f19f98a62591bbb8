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
  // Nobody reads any more (a closed pipe, a terminal that is gone): that must not stop a broker.
  process.stdout.on('error', ignore)
  const pretty = options.format === 'pretty' || (options.format === 'auto' && process.stdout.isTTY)
  if (!pretty) {
    const lines = pino.destination({ fd: 1, sync: true })
    lines.on('error', ignore)
    return pino(settings, lines)
  }
  const { default: build } = await import('pino-pretty')
  const pipe = build({
    sync: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  })
  pipe.on('error', ignore)
  return pino(settings, pipe)
}

function ignore(): void {
  // There is nowhere to tell it.
}
