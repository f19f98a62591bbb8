// The least a Node.js broker can do for a send: frame it, checksum its body, append it to a file, answer. It has no topics,
// queues or consumers. What it reaches on a machine is the ceiling for Apogee there; docs and results call it the floor.
//   node bench/floor/server.ts async|sync PORT FOLDER      (port 0 takes a free one; prints `listening PORT`)
import { closeSync, fdatasync, openSync, unlinkSync, write } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { appendFloorRecord, FLOOR_RECORD_OVERHEAD } from './record.ts'
import { replyTemplate, writeReplies } from './replies.ts'

const BATCH_BYTES = 4 << 20
const FILE_BYTES = 1 << 30
const SERIALIZE_BINARY = 1

const [mode = 'async', port = '0', folder = '.'] = process.argv.slice(2)

/** Sockets and opaques of the sends in one batch, side by side. */
type Waiting = (Socket | number)[]

class FloorLog {
  #batch = Buffer.allocUnsafe(BATCH_BYTES)
  #spare = Buffer.allocUnsafe(BATCH_BYTES)
  #used = 0
  #waiting: Waiting = []
  #busy = false
  #scheduled = false
  #position = 0
  #fileNumber = 0
  #file: number

  constructor() {
    this.#file = this.#open()
  }

  /** False when the batch is full: the load stays far below that. */
  append(data: Buffer, bodyAt: number, end: number, socket: Socket, opaque: number): boolean {
    const size = end - bodyAt + FLOOR_RECORD_OVERHEAD
    if (this.#used + size > BATCH_BYTES) return false
    const crc = crc32(data.subarray(bodyAt, end)) & 0x7fffffff
    appendFloorRecord(this.#batch, this.#used, size, crc, data, bodyAt, end)
    this.#used += size
    this.#waiting.push(socket, opaque)
    return true
  }

  /** Writes what this turn of the event loop has gathered, at its end. */
  schedule(): void {
    if (this.#busy || this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  close(): void {
    closeSync(this.#file)
  }

  #flush(): void {
    if (this.#busy || this.#used === 0) return
    this.#busy = true
    const [bytes, size, waiting] = [this.#batch, this.#used, this.#waiting]
    this.#batch = this.#spare
    this.#spare = bytes
    this.#used = 0
    this.#waiting = []
    this.#rotate(size)
    const at = this.#position
    this.#position += size
    write(this.#file, bytes, 0, size, at, (error) => {
      if (error !== null) throw error
      if (mode !== 'sync') this.#stored(waiting)
      else {
        fdatasync(this.#file, (failure) => {
          if (failure !== null) throw failure
          this.#stored(waiting)
        })
      }
    })
  }

  #stored(waiting: Waiting): void {
    this.#busy = false
    const bySocket = new Map<Socket, number[]>()
    for (let index = 0; index < waiting.length; index += 2) {
      const socket = waiting[index] as Socket
      const opaques = bySocket.get(socket)
      if (opaques === undefined) bySocket.set(socket, [waiting[index + 1] as number])
      else opaques.push(waiting[index + 1] as number)
    }
    for (const [socket, opaques] of bySocket) socket.write(writeReplies(reply, opaques))
    this.#flush()
  }

  /** A new file each GiB; the one before is removed, so that the floor never fills the disk. */
  #rotate(size: number): void {
    if (this.#position + size <= FILE_BYTES) return
    closeSync(this.#file)
    unlinkSync(join(folder, `floor-${this.#fileNumber}.log`))
    this.#fileNumber++
    this.#position = 0
    this.#file = this.#open()
  }

  #open(): number {
    return openSync(join(folder, `floor-${this.#fileNumber}.log`), 'w')
  }
}

const reply = replyTemplate()
const log = new FloorLog()

function serve(socket: Socket): void {
  let rest: Buffer | null = null
  socket.on('error', () => {}) // 'close' follows, and nothing of the socket is kept.
  socket.on('data', (chunk) => {
    if (typeof chunk === 'string') return // Never: no encoding is set.
    const data: Buffer = rest === null ? chunk : Buffer.concat([rest, chunk])
    rest = null
    let at = 0
    while (data.length - at >= 4) {
      const end = at + 4 + data.readInt32BE(at)
      if (end > data.length) break
      const word = data.readInt32BE(at + 4)
      const opaque = data.readInt32BE(at + 8 + 5)
      const served =
        word >>> 24 === SERIALIZE_BINARY &&
        log.append(data, at + 8 + (word & 0xffffff), end, socket, opaque)
      if (!served) {
        socket.destroy()
        return
      }
      at = end
    }
    if (at < data.length) rest = data.subarray(at)
    log.schedule()
  })
}

const server = createServer({ noDelay: true }, serve)
server.listen(Number(port), '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') console.log(`listening ${address.port}`)
})
process.on('SIGTERM', () => {
  log.close()
  process.exit(0)
})
