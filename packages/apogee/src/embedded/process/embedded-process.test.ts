import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { Socket } from '@apogee/env'
import { MemoryDisk } from '@apogee/env/memory'
import { type SimEnv, simEnv } from '@apogee/env/sim'
import { Activity } from './activity.ts'
import { EmbeddedProcess } from './embedded-process.ts'

interface World {
  readonly sim: SimEnv
  readonly activity: Activity
  readonly disk: MemoryDisk
  readonly process: EmbeddedProcess
}

const PEER = '10.0.0.2'

function world(): World {
  const sim = simEnv(11)
  const activity = new Activity()
  const disk = new MemoryDisk({ clock: sim.clock })
  const machine = { clock: sim.clock, random: sim.random, net: sim.net, activity }
  return { sim, activity, disk, process: new EmbeddedProcess(machine, disk, []) }
}

/** Sets one thing of each kind going in the process; each is noted when it happens. */
async function busy({ process, sim }: World): Promise<{ happened: string[]; peer: Socket }> {
  const happened: string[] = []
  const note = (what: string) => (): void => void happened.push(what)
  const { clock, disk, net } = process.env
  let port = 0
  const accept = (socket: Socket): void => {
    happened.push('accepted')
    const data = (bytes: Buffer): void => void happened.push(bytes.toString())
    socket.events = { data, drained() {}, closed: note('closed') }
  }
  net.listen({ host: '10.0.0.1', port: 0 }, accept, (_error, realPort) => (port = realPort))
  sim.clock.runUntil(() => port > 0)
  const peer = sim.network.host(PEER).connect({ host: '10.0.0.1', port })
  let isConnected = false
  peer.events = { connected: () => (isConnected = true), data() {}, drained() {}, closed() {} }
  sim.clock.runUntil(() => isConnected && happened.length === 1)
  clock.after(10, note('timer'))
  clock.soon(note('soon'))
  disk.open('/file', { create: true }).write([Buffer.from('bytes')], 0, note('written'))
  disk.writeMany([], { sync: false }, note('written many'))
  peer.write(Buffer.from('hello'))
  await turn()
  return { happened, peer }
}

const ALL = ['accepted', 'hello', 'soon', 'timer', 'written', 'written many']

test('what goes on in a process goes on', async () => {
  const w = world()
  const { happened } = await busy(w)
  equal(w.activity.isQuiet, false)
  w.sim.clock.runFor(1000)
  deepEqual(happened.toSorted(), ALL)
  equal(w.activity.isQuiet, true)
})

test('in a paused process nothing happens, and all of it when it is resumed', async () => {
  const w = world()
  const { happened } = await busy(w)
  w.process.pause()
  w.sim.clock.runFor(1000)
  deepEqual(happened, ['accepted'])
  const resumed = w.process.resume()
  w.sim.clock.runFor(1000)
  await resumed
  w.sim.clock.runFor(1000)
  deepEqual(happened.toSorted(), ALL)
})

test('of a killed process nothing is left but what it wrote', async () => {
  const w = world()
  const { happened, peer } = await busy(w)
  let closed = false
  peer.events.closed = () => {
    closed = true
  }
  w.process.env.clock.after(3_600_000, () => happened.push('late'))
  ok(w.process.env.disk.lock('/lock') !== null)
  const killed = w.process.kill()
  for (let i = 0; i < 5; i++) {
    w.sim.clock.runFor(100)
    await turn()
  }
  await killed
  deepEqual(happened, ['accepted'])
  ok(closed)
  w.process.env.clock.after(3_600_000, () => happened.push('after death'))
  w.sim.clock.runFor(100)
  ok(w.sim.clock.isIdle, 'a timer is left')
  deepEqual(happened, ['accepted'])
  const file = w.disk.open('/file')
  equal(file.size(), 5)
  file.close()
  ok(w.disk.lock('/lock') !== null)
})

test('the next process gets the ports of the one before', async () => {
  const w = world()
  const ports: number[] = []
  const machine = { clock: w.sim.clock, random: w.sim.random, net: w.sim.net, activity: w.activity }
  const listen = async (): Promise<number[]> => {
    const process = new EmbeddedProcess(machine, w.disk, ports)
    const got: number[] = []
    for (const _ of ['main', 'fast']) {
      const { net } = process.env
      net.listen(
        { host: '10.0.0.1', port: 0 },
        () => {},
        (_error, port) => got.push(port),
      )
    }
    w.sim.clock.runUntil(() => got.length === 2)
    const killed = process.kill()
    w.sim.clock.runFor(10)
    await turn()
    w.sim.clock.runFor(10)
    await killed
    return got
  }
  const first = await listen()
  deepEqual(await listen(), first)
  equal(new Set(first).size, 2)
})
