/** Which brokers an operation means: one by address, those of a cluster, or (nothing said) all of them. */
export interface Where {
  /** "host:port". */
  readonly brokerAddr?: string | undefined
  readonly clusterName?: string | undefined
}

/** A broker that registered with the NameServer. */
export interface BrokerTarget {
  readonly clusterName: string
  readonly brokerName: string
  /** 0 is the master. */
  readonly brokerId: number
  /** "host:port". */
  readonly address: string
}
