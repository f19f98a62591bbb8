export { DiskFailure, diskFailure } from './disk-failure.ts'
export type {
  Clock,
  ConnectOptions,
  Disk,
  DiskError,
  DiskFile,
  DiskPiece,
  Done,
  Env,
  Listener,
  ListenOptions,
  Net,
  Random,
  Socket,
  SocketEvents,
  Timer,
  TlsIdentity,
} from './ports.ts'
