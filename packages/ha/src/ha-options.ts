/** Which replication protocol a slave speaks: ours, or Apache's frames (DefaultHAService). */
export type HaProtocol = 'apogee' | 'apache'

/** Who replicates: both sides of a connection must agree on cluster and name. */
export interface HaIdentity {
  /** brokerClusterName. */
  clusterName: string
  /** brokerName, which a master and its slaves share. */
  brokerName: string
  /** 0 on the master. */
  brokerId: number
}

/** What both sides are told. Names in brackets are keys of broker.conf. */
export interface HaCommonOptions {
  identity: HaIdentity
  /** haSharedSecret: both prove that they know it, and peers that cannot (Apache's) are refused. Empty: nobody has to. */
  sharedSecret: string
  /** haSendHeartbeatInterval, ms. */
  heartbeatMs: number
  /** haHousekeepingInterval: a connection that was silent for this long is closed, ms. */
  housekeepingMs: number
}

export interface HaMasterOptions extends HaCommonOptions {
  /** bindAddress and haListenPort (0 = any). */
  host: string
  port: number
  /** haAllowedPeers: addresses, and networks as a.b.c.d/n, that may connect. */
  allowedPeers: readonly string[]
  /** Acknowledgements wait for `inSyncReplicas` − 1 slaves (inSyncReplicas counts the master). 1 on an ASYNC_MASTER. */
  inSyncReplicas: number
  /** slaveTimeout: a slave that acknowledges nothing for this long, while something waits, is not in sync, ms. */
  slaveTimeoutMs: number
  /** haMaxGapNotInSync: a slave further behind is not in sync, bytes. */
  gapMax: number
  /** haTransferBatchSize: most bytes of one frame to an Apache slave. */
  apacheFrameBytes: number
  /** Most bytes of one frame to a slave of ours. */
  frameBytes: number
  /** maxHaTransferByteInSecond with haFlowControlEnable; Infinity without: bytes per second to each slave. */
  bytesPerSecondMax: number
  /** haTransferFromLastFile: an Apache slave with an empty log gets the last file only, as from Apache's master. */
  fromLastFile: boolean
  /** Most connections, those that have not shown who they are included. */
  connectionsMax: number
  /**
   * A peer must have said who it is within this, ms. Without a secret, one that has said nothing at all may be a slave of
   * Apache's, which speaks only when its heartbeat is due: it has haHousekeepingInterval.
   */
  handshakeTimeoutMs: number
}

export interface HaSlaveOptions extends HaCommonOptions {
  /** How long after a lost or refused connection the next one is tried, ms. */
  retryMs: number
  connectTimeoutMs: number
  /** haDivergedTailMax: a log that has to be cut by more than this is not cut; the slave says so and waits, bytes. */
  divergedTailMax: number
  /** syncFromLastFile: an empty slave starts at the master's last file, not at its first message. */
  fromLastFile: boolean
}
