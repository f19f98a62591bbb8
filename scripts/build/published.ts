// What is published: two packages, each made of a workspace package and of the others that it needs.

export interface PublishedPackage {
  /** Its name in the registry. */
  readonly name: string
  /** The workspace package whose code it is; the others it reaches go inside, below lib/. */
  readonly source: string
  readonly description: string
  readonly keywords: readonly string[]
  /** Subpath → source file: what users import, with types. */
  readonly exports: Readonly<Record<string, string>>
  /** Source files that only its programs load, without types. */
  readonly programs: readonly string[]
  /** Folders that are copied as they are, relative to the workspace package. */
  readonly folders: readonly string[]
  /** The page that registries show, relative to scripts/build. */
  readonly readme: string
}

export const PUBLISHED: readonly PublishedPackage[] = [
  {
    name: 'apogee',
    source: 'apogee',
    description: 'A message broker cluster that every RocketMQ client can use unchanged',
    keywords: ['rocketmq', 'message-broker', 'message-queue', 'mq', 'test-server', 'embedded'],
    exports: { '.': 'src/mod.ts' },
    programs: ['src/main.ts'],
    folders: ['conf'],
    readme: 'readme/apogee.md',
  },
  {
    name: '@apogee/client',
    source: 'client',
    description:
      'The RocketMQ client for Node.js: producers, consumers and transactions, in TypeScript, without dependencies',
    keywords: ['rocketmq', 'client', 'producer', 'consumer', 'message-queue', 'mq', 'typescript'],
    exports: { '.': 'src/mod.ts' },
    programs: [],
    folders: [],
    readme: 'readme/client.md',
  },
]

/** First Node.js with zstd in node:zlib; `require()` of these packages works from 22.12. */
export const NODE_RANGE = '>=22.15'
