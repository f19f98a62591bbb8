// The nouns of the administration, known without loading it. A test compares them with the commands there are.

export interface Noun {
  readonly summary: string
  /** A server is started by this word too. */
  readonly isServer?: boolean
}

export const NOUNS: Readonly<Record<string, Noun>> = {
  topic: { summary: 'topics: list, create, route, stats, delete' },
  group: { summary: 'consumer groups: list, lag, why, reset-offset' },
  message: { summary: 'messages: find, show, trace, resend' },
  dlq: { summary: 'dead letters: list, resend' },
  cluster: { summary: 'clusters and their brokers', isServer: true },
  broker: { summary: 'brokers: status, replication, get-config, drain', isServer: true },
  namesrv: { summary: 'NameServers: get-config, set-config', isServer: true },
  client: { summary: 'clients that are connected' },
  producer: { summary: 'producers that are connected' },
  kv: { summary: 'key-value configuration of NameServers' },
  export: { summary: 'metadata, configuration and metrics to files' },
}
