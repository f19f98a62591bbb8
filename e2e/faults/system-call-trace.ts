// Reads what `strace -f -y -ttt` writes: calls in the order in which they began and returned.
//
//   812  1795507296.609558 pwrite64(26</s/commitlog/00000000000000000000>, "..."..., 1341, 770389) = 1341
//   815  1795507296.733561 fdatasync(26</s/commitlog/00000000000000000000> <unfinished ...>
//   812  1795507296.735347 write(30<socket:[263920]>, "..."..., 720) = 720
//   815  1795507296.748402 <... fdatasync resumed>) = -1 EIO (Input/output error) (INJECTED)

export interface SystemCall {
  name: string
  /** What the descriptor names: a path or "socket:[263920]". */
  target: string
  /** Everything between the parentheses, as far as it was known when the call began. */
  args: string
  startedS: number
}

export type TraceEvent =
  | { kind: 'begin'; call: SystemCall }
  | { kind: 'return'; call: SystemCall; result: number; injected: boolean; atS: number }

const LINE = /^(\d+)\s+(\d+\.\d+) (.*)$/
const CALL = /^(\w+)\(\d+<([^>]*)>(.*)$/
const RESUMED = /^<\.\.\. (\w+) resumed>/
const RESULT = /\)\s+= (-?\d+)( .*)?$/

/** Cuts a trace into events. Lines of other kinds (exits, signals, descriptors without a name) are left out. */
export function* traceEvents(lines: Iterable<string>): Generator<TraceEvent> {
  const unfinished = new Map<string, SystemCall>()
  for (const line of lines) {
    const [, thread = '', at = '', rest = ''] = LINE.exec(line) ?? []
    const resumed = RESUMED.exec(rest)
    let call: SystemCall | undefined
    if (resumed === null) {
      call = callOf(rest, Number(at))
      if (call === undefined) continue
      yield { kind: 'begin', call }
      if (rest.endsWith('<unfinished ...>')) {
        unfinished.set(thread, call)
        continue
      }
    } else {
      call = unfinished.get(thread)
      unfinished.delete(thread)
      if (call === undefined) continue
    }
    const result = RESULT.exec(rest)
    if (result === null) continue
    const injected = result[2]?.includes('(INJECTED)') ?? false
    yield { kind: 'return', call, result: Number(result[1]), injected, atS: Number(at) }
  }
}

function callOf(text: string, startedS: number): SystemCall | undefined {
  const found = CALL.exec(text)
  if (found === null) return undefined
  const [, name = '', target = '', args = ''] = found
  return { name, target, args, startedS }
}

const POSITIONED = /, (\d+), (\d+)(?:\)\s+= .*| <unfinished \.\.\.>)$/
const VECTOR_POSITION = /, \d+, (\d+)(?:\)\s+= .*| <unfinished \.\.\.>)$/

/** Where a pwrite64 or pwritev wrote in its file. */
export function writePosition(call: SystemCall): number {
  const found = (call.name === 'pwrite64' ? POSITIONED : VECTOR_POSITION).exec(call.args)
  const position = call.name === 'pwrite64' ? found?.[2] : found?.[1]
  if (position === undefined) throw new Error(`no position in ${call.name}${call.args.slice(-80)}`)
  return Number(position)
}
