/**
 * Ordinals of RocketMQ's versions (Java: MQVersion) that something depends on, or that a release carries. The `version`
 * of a frame is such an ordinal.
 */
export const Version = {
  V3_0_11: 37,
  V3_4_9: 121,
  V4_1_0_SNAPSHOT: 232,
  V4_9_4: 401,
  V4_9_8: 409,
  V5_0_0: 413,
  V5_1_0: 433,
  V5_2_0: 453,
  V5_3_0: 473,
  V5_3_1: 475,
  V5_3_3: 479,
  V5_4_0: 493,
  V5_5_0: 513,
  HIGHER_VERSION: 612,
} as const

/** What our frames say: the version whose behaviour we reproduce. */
export const CURRENT_VERSION = 479

/** What a peer must be at least (its frame's version) for the behaviour named. */
export const VersionGate = {
  /** Registers with a body (Java: V3_0_11). */
  REGISTER_BODY: 37,
  /** maxReconsumeTimes of a retried message is the client's to say. */
  MAX_RECONSUME_TIMES: 121,
  /** Wants standard JSON in routes. */
  STANDARD_JSON_ROUTE: 401,
  /** Its compressed registration ends with queue mappings. */
  REGISTER_QUEUE_MAPPINGS: 413,
  /** Exclusive: later ones understand GO_AWAY. */
  GO_AWAY_AFTER: 475,
} as const
