// How every Java program of the suite is started.

const OPENED = ['nio', 'lang', 'util', 'math'].map((name) => `java.base/java.${name}`)
const MODULES = [
  ...[...OPENED, 'java.base/jdk.internal.ref'].flatMap((name) => [
    '--add-opens',
    `${name}=ALL-UNNAMED`,
  ]),
  '--add-exports',
  'java.base/sun.nio.ch=ALL-UNNAMED',
]

export interface JavaOptions {
  classPath: string
  main: string
  args: readonly string[]
  /** Logs and client offsets go below it. */
  home: string
  heap?: string
  /** Take the whole heap at once: one that need not grow while it is measured. */
  fixedHeap?: boolean
  properties?: Readonly<Record<string, string>>
}

/** Arguments of `java`. Logs and local offsets of every RocketMQ program live below `user.home`. */
export function javaArguments(options: JavaOptions): string[] {
  const properties = Object.entries(options.properties ?? {}).map(
    ([key, value]) => `-D${key}=${value}`,
  )
  const heap = options.heap ?? '256m'
  const initial = options.fixedHeap === true ? heap : '64m'
  const flags = [
    `-Xms${initial}`,
    `-Xmx${heap}`,
    '-XX:TieredStopAtLevel=4',
    `-Duser.home=${options.home}`,
  ]
  return [
    ...flags,
    ...properties,
    ...MODULES,
    '-cp',
    options.classPath,
    options.main,
    ...options.args,
  ]
}
