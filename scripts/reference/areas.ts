// Which page a public name is on.

export interface Area {
  /** Name of the page, without `.md`. */
  readonly page: string
  readonly title: string
  readonly intro: string
  /** Names that belong here; the first area in PRECEDENCE that matches takes a name. */
  readonly names: RegExp
}

const CLIENT: Area = {
  page: 'client',
  title: 'The client',
  intro: 'The root object, its options, and what it tells about itself.',
  names: /./,
}
const MESSAGES: Area = {
  page: 'messages',
  title: 'Messages',
  intro: 'What is sent, what is received, and how values become bytes and back.',
  names: /Message|Topic|Codec|^Body|Schema|^json$|^text$|^string$/,
}
const PRODUCERS: Area = {
  page: 'producers',
  title: 'Producers',
  intro:
    'Sending: one by one, in batches, one-way, in order, later, in a transaction, with a reply.',
  names: /Producer|^Send|Transaction|Compression|^Oneway|^Request|^Reply/,
}
const CONSUMERS: Area = {
  page: 'consumers',
  title: 'Consumers',
  intro:
    'Receiving: concurrent, in batches, in order, by `for await`, broadcast, or pulled by hand.',
  names: /Consum|Subscription|Allocate|Handler|Batch|Ackable|^Pull|^Seek|^Offset|^tags$|^sql$/,
}
const ERRORS: Area = {
  page: 'errors',
  title: 'Errors',
  intro: 'What calls reject with, and what a handler throws to say how its message goes on.',
  names: /Error|^RetryLater|^Unrecoverable/,
}
const TESTING: Area = {
  page: 'testing',
  title: 'Clusters inside a test',
  intro: 'What only `apogee` has: `startCluster()` runs NameServers and brokers in this process.',
  // By who exports them.
  names: /^$/,
}

/** In the order of the index. */
export const AREAS: readonly Area[] = [CLIENT, MESSAGES, PRODUCERS, CONSUMERS, ERRORS, TESTING]

const PRECEDENCE = [ERRORS, PRODUCERS, CONSUMERS, MESSAGES, CLIENT]

export function areaOf(name: string, packages: readonly string[]): Area {
  if (packages.length === 1 && packages[0] === 'apogee') return TESTING
  return PRECEDENCE.find(({ names }) => names.test(name))!
}
