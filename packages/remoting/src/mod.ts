export { type Answer, refuse, succeedWith, success } from './answer.ts'
export { Connection } from './connection.ts'
export type { RequestObserver } from './dispatcher.ts'
export {
  type AnyTypedHandler,
  type FrameHandler,
  type Handler,
  HandlerRegistry,
  handler,
  type Lane,
  lanes,
  type Permission,
  type Request,
  type TypedHandler,
} from './handler.ts'
export { addressBytes, hostAndPort, parseAddress } from './host-address.ts'
export { type Logger, silentLogger } from './logger.ts'
export {
  type ConnectionLimits,
  type RemotingClientOptions,
  type RemotingServerOptions,
  remotingClientDefaults,
  remotingServerDefaults,
} from './options.ts'
export { type ClientRequest, RemotingClient, type RemotingClientDeps } from './remoting-client.ts'
export { RemotingServer, type RemotingServerDeps } from './remoting-server.ts'
export {
  RemotingError,
  type RequestDone,
  type RequestSink,
  type Response,
} from './requests-in-flight.ts'
export { ReloadableTlsIdentity, type TlsFiles, tlsIdentityFromFiles } from './tls-identity.ts'
