// What a broker promised and what it shows: the histories of a run, and the verdict over them. Pure.
//
// Every message is sent once and never again, so each may be in the log once or, if it was not acknowledged, not at all.

/** A message in its place. `digest` is computed from the body as read; `id` is what the body says. */
export interface Sighting {
  id: number
  queueId: number
  queueOffset: number
  digest: string
}

export interface Acknowledgement {
  id: number
  queueId: number
  queueOffset: number
}

export const problemKinds = [
  'lost',
  'moved',
  'doubled',
  'altered',
  'phantom',
  'disappeared',
  'gap',
] as const
export type ProblemKind = (typeof problemKinds)[number]

export interface Problem {
  kind: ProblemKind
  detail: string
}

/** Collects what was sent, acknowledged and seen; judges what a broker shows after its restart. */
export class History {
  /** Message number to the digest of its body as it was sent. */
  readonly sent: Map<number, string> = new Map()
  readonly acknowledged: Map<number, Acknowledgement> = new Map()
  /** By place: what a consumer was given there. */
  readonly seen: Map<string, Sighting> = new Map()
  /** Found while they happened: two acknowledgements of one place, two messages seen in one place. */
  readonly problems: Problem[] = []
  readonly #places = new Map<string, number>()

  recordSend(id: number, digest: string): void {
    this.sent.set(id, digest)
  }

  recordAcknowledgement(given: Acknowledgement): void {
    const place = placeOf(given)
    const other = this.#places.get(place)
    if (other !== undefined) {
      this.#report('moved', `messages ${other} and ${given.id} were both promised ${place}`)
    }
    this.#places.set(place, given.id)
    this.acknowledged.set(given.id, given)
  }

  recordSighting(sighting: Sighting): void {
    const place = placeOf(sighting)
    const before = this.seen.get(place)
    if (before !== undefined && !same(before, sighting)) {
      this.#report('disappeared', `${place} showed message ${before.id} and then ${sighting.id}`)
    }
    this.seen.set(place, sighting)
  }

  #report(kind: ProblemKind, detail: string): void {
    this.problems.push({ kind, detail })
  }

  /** Judges the whole log, read after a restart. */
  judge(log: readonly Sighting[]): Problem[] {
    const problems = [...this.problems, ...judgeDensity(log)]
    const byPlace = new Map<string, Sighting>()
    const byId = new Map<number, Sighting>()
    for (const found of log) {
      const place = placeOf(found)
      const twin = byId.get(found.id)
      if (byPlace.has(place) || twin !== undefined) {
        const where = twin === undefined ? place : `${placeOf(twin)} and ${place}`
        problems.push({ kind: 'doubled', detail: `message ${found.id} is at ${where}` })
      }
      byPlace.set(place, found)
      byId.set(found.id, found)
      problems.push(...this.#judgeContent(found, place))
    }
    problems.push(...this.#judgePromises(byId), ...this.#judgeSightings(byPlace))
    return problems
  }

  #judgeContent(found: Sighting, place: string): Problem[] {
    const digest = this.sent.get(found.id)
    if (digest === undefined) {
      return [{ kind: 'phantom', detail: `message ${found.id} at ${place} was never sent` }]
    }
    if (digest === found.digest) return []
    return [{ kind: 'altered', detail: `the body of message ${found.id} at ${place} differs` }]
  }

  #judgePromises(byId: ReadonlyMap<number, Sighting>): Problem[] {
    const problems: Problem[] = []
    for (const promised of this.acknowledged.values()) {
      const found = byId.get(promised.id)
      const place = placeOf(promised)
      if (found === undefined) {
        problems.push({ kind: 'lost', detail: `message ${promised.id}, promised ${place}` })
      } else if (placeOf(found) !== place) {
        const detail = `message ${promised.id}, promised ${place}, is at ${placeOf(found)}`
        problems.push({ kind: 'moved', detail })
      }
    }
    return problems
  }

  #judgeSightings(byPlace: ReadonlyMap<string, Sighting>): Problem[] {
    const problems: Problem[] = []
    for (const [place, seen] of this.seen) {
      const found = byPlace.get(place)
      if (found === undefined || !same(found, seen)) {
        problems.push({ kind: 'disappeared', detail: `message ${seen.id}, consumed from ${place}` })
      }
    }
    return problems
  }
}

function placeOf(given: { queueId: number; queueOffset: number }): string {
  return `queue ${given.queueId} offset ${given.queueOffset}`
}

function same(one: Sighting, other: Sighting): boolean {
  return one.id === other.id && one.digest === other.digest
}

/** Every queue's offsets run from 0 without a hole. */
function judgeDensity(log: readonly Sighting[]): Problem[] {
  const problems: Problem[] = []
  const offsets = new Map<number, Set<number>>()
  for (const { queueId, queueOffset } of log) {
    const own = offsets.get(queueId) ?? new Set()
    own.add(queueOffset)
    offsets.set(queueId, own)
  }
  for (const [queueId, own] of offsets) {
    for (let offset = 0; offset < own.size; offset++) {
      if (own.has(offset)) continue
      problems.push({ kind: 'gap', detail: `queue ${queueId} has nothing at offset ${offset}` })
      break
    }
  }
  return problems
}
