import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Socket, SocketEvents } from '@apogee/env'
import { simEnv } from '@apogee/env/sim'
import { CableSocket } from './cable-socket.ts'

/** The end of a connection below the cable: it notes what it is told. */
class NotingSocket implements Socket {
  events: SocketEvents = { data() {}, drained() {}, closed() {} }
  readonly told: string[] = []
  readonly remoteAddress = '10.0.0.2'
  readonly remotePort = 80
  readonly localAddress = '10.0.0.1'
  readonly localPort = 5000
  readonly encrypted = false
  readonly pendingBytes = 0

  write(bytes: Uint8Array, sent?: () => void): boolean {
    this.told.push(Buffer.from(bytes).toString())
    sent?.()
    return true
  }

  pause(): void {
    this.told.push('pause')
  }

  resume(): void {
    if (this.told.at(-1) === 'pause') this.told.push('resume')
  }

  end(): void {
    this.told.push('end')
  }

  destroy(): void {
    this.told.push('destroy')
    this.events.closed(null)
  }
}

interface Bench {
  readonly inner: NotingSocket
  readonly socket: CableSocket
  readonly cable: { isOutCut: boolean; isInCut: boolean; delayMs: number }
  readonly heard: string[]
  readonly state: { gone: number }
  readonly run: (durationMs: number) => void
}

function bench(): Bench {
  const { clock } = simEnv(1)
  const inner = new NotingSocket()
  const cable = { isOutCut: false, isInCut: false, delayMs: 0 }
  const heard: string[] = []
  const state = { gone: 0 }
  const socket = new CableSocket(inner, cable, clock, () => state.gone++)
  socket.events = {
    connected: () => heard.push('connected'),
    data: (bytes) => heard.push(bytes.toString()),
    drained: () => heard.push('drained'),
    closed: () => heard.push('closed'),
  }
  return { inner, socket, cable, heard, state, run: (durationMs) => clock.runFor(durationMs) }
}

test('what is sent into a cut arrives in its order when it is mended, the end as well', () => {
  const { cable, inner, run, socket } = bench()
  socket.write(Buffer.from('before'))
  cable.isOutCut = true
  let freed = 0
  const bytes = Buffer.from('one')
  equal(
    socket.write(bytes, () => freed++),
    true,
  )
  bytes.fill('x')
  socket.write(Buffer.from('two'))
  socket.end()
  run(1)
  equal(freed, 1, 'the memory is free')
  equal(socket.pendingBytes, 6)
  deepEqual(inner.told, ['before'])
  cable.isOutCut = false
  socket.changed()
  deepEqual(inner.told, ['before', 'one', 'two', 'end'])
  equal(socket.pendingBytes, 0)
})

test('a sender into a cut is told to wait, and when it may go on', () => {
  const { cable, heard, run, socket } = bench()
  cable.isOutCut = true
  equal(socket.write(Buffer.alloc(300 * 1024)), false)
  cable.isOutCut = false
  socket.changed()
  run(1)
  deepEqual(heard, ['drained'])
})

test('what comes over a cut waits, and so does the news of a close; much of it stops the reading', () => {
  const { cable, heard, inner, socket, state } = bench()
  cable.isInCut = true
  inner.events.connected?.()
  const lent = Buffer.from('lent')
  inner.events.lent?.(lent)
  lent.fill('x')
  inner.events.data(Buffer.alloc(300 * 1024, 'y'))
  inner.events.closed(null)
  equal(heard.length, 0)
  deepEqual(inner.told, ['pause', 'pause'])
  cable.isInCut = false
  socket.changed()
  deepEqual(
    heard.map((text) => text.slice(0, 9)),
    ['connected', 'lent', 'yyyyyyyyy', 'closed'],
  )
  equal(state.gone, 1)
  equal(inner.told.at(-1), 'resume')
})

test('a connection is made only when both directions work', () => {
  const { cable, heard, inner, socket } = bench()
  cable.isOutCut = true
  inner.events.connected?.()
  socket.changed()
  deepEqual(heard, [])
  cable.isOutCut = false
  socket.changed()
  deepEqual(heard, ['connected'])
})

test('who closes its end hears so at once; the other end hears when the cable is mended', () => {
  const { cable, heard, inner, run, socket, state } = bench()
  cable.isOutCut = true
  socket.write(Buffer.from('last'))
  socket.destroy()
  socket.destroy()
  run(1)
  deepEqual(heard, ['closed'])
  deepEqual(inner.told, [])
  inner.events.data(Buffer.from('late'))
  cable.isOutCut = false
  socket.changed()
  deepEqual(inner.told, ['last', 'destroy'])
  deepEqual(heard, ['closed'])
  equal(state.gone, 1)
})

test('a slow cable delivers each thing so much later, in order; once it is fast again nothing waits', () => {
  const { cable, heard, inner, run, socket } = bench()
  cable.delayMs = 50
  inner.events.data(Buffer.from('one'))
  run(30)
  inner.events.data(Buffer.from('two'))
  deepEqual(heard, [])
  run(25)
  deepEqual(heard, ['one'])
  cable.delayMs = 0
  socket.changed()
  deepEqual(heard, ['one', 'two'])
  inner.events.data(Buffer.from('three'))
  deepEqual(heard, ['one', 'two', 'three'])
})

test('an owner that has paused gets nothing out of the queue, but the close', () => {
  const { cable, heard, inner, socket } = bench()
  cable.isInCut = true
  inner.events.data(Buffer.from('one'))
  socket.pause()
  cable.isInCut = false
  socket.changed()
  deepEqual(heard, [])
  socket.resume()
  deepEqual(heard, ['one'])
})
