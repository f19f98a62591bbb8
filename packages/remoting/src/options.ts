import type { ConnectOptions, TlsIdentity } from '@apogee/env'
import { LanguageCode } from '@apogee/protocol'
import type { Lane } from './handler.ts'

/** What holds for every connection, accepted or made. */
export interface ConnectionLimits {
  /** Longest frame accepted, in bytes, its length field included. A longer one closes the connection. */
  frameSizeMax: number
  /** Longest frame header accepted, in bytes. */
  headerSizeMax: number
  /** A connection with no byte in or out for this long is closed. */
  idleMs: number
  /** A frame that has begun must be whole within this. */
  frameAssemblyMs: number
  /** Requests of one connection that are not answered yet; at this many no more of them are read. */
  unansweredPerConnectionMax: number
  /** Requests we sent over one connection that wait for their response; more fail with REMOTING_TOO_MANY. */
  requestsPerConnectionMax: number
  /** Bytes read from one connection and not handled yet, at which reading pauses. */
  inputPauseBytes: number
  /** Bytes one connection has not taken yet, at which its requests are read no more. */
  outputPauseBytes: number
  /** Bytes one connection has not taken yet, at which it is closed. */
  outputCloseBytes: number
  /** A connection that takes none of the bytes that wait for it for this long is closed. */
  outputStalledMs: number
  /** Bytes of all connections together, unhandled input and unsent output; beyond it those above the average are paused. */
  inFlightBytesMax: number
  /** Requests of all connections together that are not answered yet; beyond it sends, pulls and admin are refused. */
  unansweredMax: number
  /** How long the frames of one connection are handled before the next one's turn. */
  sliceMs: number
  /** A request that waited longer for its turn is answered SYSTEM_BUSY, by lane. */
  laneAgeLimitMs: Record<Lane, number>
  /** Reply memory kept for reuse, in bytes. */
  outputPoolBytes: number
  /** Deadlines, idle and stalled connections are looked at this often: the grain of every time-out here. */
  tickMs: number
}

export interface RemotingServerOptions extends ConnectionLimits {
  host: string
  /** 0 = any free one. */
  port: number
  /** Connections at once; more are closed as they come. */
  connectionsMax: number
  /** The same from one address. */
  connectionsPerAddressMax: number
  /** A new connection must have sent one whole frame within this. */
  firstFrameMs: number
  /** TLS by first byte on the same port, with what this returns at that moment; null refuses nothing and speaks plain. */
  tls?: () => TlsIdentity | null
}

const MIB = 1024 * 1024

const connectionLimits: ConnectionLimits = {
  frameSizeMax: 16 * MIB,
  headerSizeMax: 64 * 1024,
  idleMs: 120_000,
  frameAssemblyMs: 30_000,
  unansweredPerConnectionMax: 1_024,
  requestsPerConnectionMax: 1_024,
  inputPauseBytes: MIB,
  outputPauseBytes: 8 * MIB,
  outputCloseBytes: 64 * MIB,
  outputStalledMs: 30_000,
  inFlightBytesMax: 128 * MIB,
  unansweredMax: 200_000,
  sliceMs: 2,
  laneAgeLimitMs: {
    send: 200,
    pull: 5_000,
    ack: 3_000,
    heartbeat: 31_000,
    route: 5_000,
    admin: 5_000,
  },
  outputPoolBytes: 16 * MIB,
  tickMs: 50,
}

/** Every option with its default. */
export const remotingServerDefaults: Omit<RemotingServerOptions, 'host' | 'port' | 'tls'> = {
  ...connectionLimits,
  connectionsMax: 10_000,
  connectionsPerAddressMax: 512,
  firstFrameMs: 10_000,
}

export interface RemotingClientOptions extends ConnectionLimits {
  connectTimeoutMs: number
  /** SerializeType of what we send: 0 JSON, 1 ROCKETMQ. Codes that do not fit 16 bits always go as JSON. */
  serializeType: 0 | 1
  /** LanguageCode that our frames name. */
  language: number
  tls?: NonNullable<ConnectOptions['tls']>
}

/** Every option with its default. */
export const remotingClientDefaults: Omit<RemotingClientOptions, 'tls'> = {
  ...connectionLimits,
  requestsPerConnectionMax: 65_536,
  outputPauseBytes: 32 * MIB,
  connectTimeoutMs: 3_000,
  serializeType: 0,
  language: LanguageCode.JAVA,
}
