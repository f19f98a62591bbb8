/** Something that must not be. Its message is the first line of what a failing seed prints. */
export class Breach extends Error {
  override readonly name = 'Breach'
}

export function demand(holds: boolean, message: string, ...about: unknown[]): asserts holds {
  if (holds) return
  throw new Breach([message, ...about.map((it) => JSON.stringify(it))].join(' '))
}
