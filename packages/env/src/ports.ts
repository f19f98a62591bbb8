// The four doors to the outside. Everything below `apogee` reaches time, chance, files and sockets only through these, so
// that a whole broker can run in a simulator. `@apogee/env/node` is the real world, `@apogee/env/sim` a seeded one.

/** Time. Monotonic for intervals, wall for what is written to disk and wire. */
export interface Clock {
  /** Milliseconds since some start; never goes back; has fractions. */
  monotonicMs(): number
  /** Milliseconds since 1970, whole; can jump. */
  wallMs(): number
  /** Runs `task` once, `delayMs` from now or later. Does not keep the process alive. */
  after(delayMs: number, task: () => void): Timer
  /** Runs `task` once the I/O events that are ready now have been handled: the moment to close a batch. */
  soon(task: () => void): void
  /** Runs `task` when the event that is being handled now is done, before `soon` or together with it. */
  endOfEvent(task: () => void): void
}

export interface Timer {
  cancel(): void
}

export interface Random {
  /** A whole number in [0, bound). */
  below(bound: number): number
}

export type Done = (error: DiskError | null) => void

/** A failed disk call. `code` is the errno name: EIO, ENOSPC, ENOENT, … */
export interface DiskError extends Error {
  readonly code: string
}

/**
 * Files. Paths are absolute. Synchronous calls throw a DiskError; asynchronous ones hand it to `done`, and call `done` in
 * a later turn, never before they return. Data is durable only after `sync`; a created, renamed or removed name is durable
 * only after `syncDirectory` of its folder.
 */
export interface Disk {
  /**
   * Opens for reading and writing. `create` makes a missing file (and its folders); `size` extends a shorter file
   * with a hole, so the space is not taken. Throws ENOENT when missing and not `create`.
   */
  open(path: string, options?: { create?: boolean; size?: number }): DiskFile
  exists(path: string): boolean
  /** Names in a folder, sorted; empty when it does not exist. */
  list(folder: string): string[]
  /** Size in bytes, bytes taken on the device, time of last change; `null` when missing. */
  stat(
    path: string,
  ): { size: number; allocated: number; modifiedMs: number; isFolder: boolean } | null
  makeFolder(folder: string): void
  rename(from: string, to: string): void
  /** Removes a file, or an empty folder; nothing happens when it is missing. */
  remove(path: string): void
  syncDirectory(folder: string): void
  /** Space of the file system that holds `path`, in bytes. `free` is what an ordinary user may still take. */
  space(path: string): { total: number; free: number }
  /**
   * Writes many small pieces of many files in one trip off the loop: open, write, (sync), close each. For derived data
   * spread over thousands of files. Stops at the first error. Calls run one after the other; the bytes must not change
   * until `done`.
   */
  writeMany(pieces: readonly DiskPiece[], options: { sync: boolean }, done: Done): void
  /**
   * Takes the store for this process, or returns `null` when another live process (or this one) holds it. `path` is a
   * lock file, made if need be. The end of the process, however it comes, gives the lock back.
   */
  lock(path: string): { release(): void } | null
}

export interface DiskPiece {
  path: string
  /** The file is created sparse with this size when missing or shorter. */
  size: number
  position: number
  bytes: Uint8Array
}

export interface DiskFile {
  readonly path: string
  size(): number
  /** Reads up to `length` bytes; returns how many (fewer only at the end of the file). */
  readNow(into: Uint8Array, offset: number, length: number, position: number): number
  read(
    into: Uint8Array,
    offset: number,
    length: number,
    position: number,
    done: (error: DiskError | null, bytesRead: number) => void,
  ): void
  /** Writes all of `chunks`, one after the other, from `position`. The bytes must not change until `done`. */
  write(chunks: readonly Uint8Array[], position: number, done: Done): void
  writeNow(bytes: Uint8Array, position: number): void
  /** fdatasync: every write that was done before this call is durable once it succeeds. Never retry a failed one. */
  sync(done: Done): void
  syncNow(): void
  truncate(size: number): void
  /** Calls under way still end; later ones fail with EBADF. */
  close(): void
}

/** Stream sockets. A socket gives bytes as they come and takes bytes in order; nothing is framed here. */
export interface Net {
  /** Listens; `ready` gets the real port (asked for 0 = any free one) or the error (EADDRINUSE, EACCES, …). */
  listen(
    options: ListenOptions,
    accept: (socket: Socket) => void,
    ready: (error: Error | null, port: number) => void,
  ): Listener
  /** Connects. Events go to `socket.events`, set before this turn ends. Fails by `closed(error)`. */
  connect(options: ConnectOptions): Socket
}

export interface ListenOptions {
  host: string
  port: number
  backlog?: number
  /** TLS by first byte on the same port: 0x16 starts a handshake with what this returns now (so certificates reload). */
  tls?: () => TlsIdentity | null
  /** A TLS handshake must finish within this. Default 10,000. */
  tlsHandshakeTimeoutMs?: number
}

export interface TlsIdentity {
  key: string | Uint8Array
  cert: string | Uint8Array
  ca?: string | Uint8Array
  /** Refuse clients without a certificate of `ca`. */
  requireClientCert?: boolean
}

export interface ConnectOptions {
  host: string
  port: number
  timeoutMs?: number
  tls?: {
    ca?: string | Uint8Array
    cert?: string | Uint8Array
    key?: string | Uint8Array
    rejectUnauthorized?: boolean
    servername?: string
  }
}

export interface Listener {
  readonly port: number
  /** Stops accepting; open sockets stay. */
  close(done?: () => void): void
}

export interface Socket {
  /** Set by the owner as soon as it gets the socket. */
  events: SocketEvents
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly encrypted: boolean
  /**
   * Sends bytes; `sent` is called once they are with the kernel or dropped, after which the caller may use the memory
   * again. Returns false when more than the high-water mark waits: stop until `drained`.
   */
  write(bytes: Uint8Array, sent?: () => void): boolean
  /** Bytes given to `write` and not yet with the kernel. */
  readonly pendingBytes: number
  pause(): void
  resume(): void
  /** Sends what is queued, then closes. What the peer still sends is heard until it closes too (or is too slow to). */
  end(): void
  /** Closes at once. */
  destroy(error?: Error): void
}

export interface SocketEvents {
  connected?(): void
  /** The bytes belong to the receiver. */
  data(bytes: Buffer): void
  /**
   * In place of `data`, when it is there and the socket can: the bytes are gone when this returns. One buffer then serves
   * every socket, where `data` costs a new one for each read.
   */
  lent?(bytes: Buffer): void
  drained(): void
  /** The last event, exactly once. */
  closed(error: Error | null): void
}

/** The four ports together: what a component takes as `env`. */
export interface Env {
  clock: Clock
  random: Random
  disk: Disk
  net: Net
}
