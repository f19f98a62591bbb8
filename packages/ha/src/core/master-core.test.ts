import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { HaRefusal } from '@apogee/protocol'
import { MasterCore, type MasterCoreOptions } from './master-core.ts'
import type { Peer } from './peer.ts'
import { type Command, replayFolder, type Script } from './script.fixture.ts'

const FILE_SIZE = 1_000

class MasterScript implements Script {
  private core: MasterCore
  private nowMs = 0
  private readonly peers = new Map<string, Peer>()
  private told = ''

  constructor() {
    this.core = this.make({})
  }

  run(command: Command): string[] {
    const answers = this.answer(command)
    const { sync, keepFrom, followers } = this.core
    const state = `= in-sync=${sync.count}${sync.available ? '' : ' not-available'} replicated=${sync.replicated} followers=${followers} keep=${keepFrom}`
    if (state !== this.told) answers.push(state)
    this.told = state
    return answers
  }

  private answer(command: Command): string[] {
    switch (command.name) {
      case 'options':
        this.core = this.make({
          inSyncReplicas: command.number('inSyncReplicas', 2),
          sharedSecret: command.text('secret', ''),
          fromLastFile: command.text('fromLastFile', 'false') === 'true',
          gapMax: command.number('gapMax', 10_000),
          bytesPerSecondMax: command.number('rate', Number.POSITIVE_INFINITY),
        })
        return []
      case 'log': {
        const written = command.number('written')
        const stored = command.number('stored', written)
        this.core.progressed({ minOffset: command.number('min', 0), written, stored }, this.nowMs)
        return []
      }
      case 'wait':
        this.nowMs += command.number('ms')
        return [`now ${this.nowMs}`]
      case 'tick':
        return this.tick()
      case 'deadline':
        return [`deadline ${this.core.nextDeadlineMs(this.nowMs)}`]
      case 'open':
        this.peers.set(command.words[0]!, this.core.opened(command.words[0]!, this.nowMs))
        return []
      default:
        return this.peerCommand(command, this.peers.get(command.words[0]!)!)
    }
  }

  private peerCommand(command: Command, peer: Peer): string[] {
    const { core, nowMs } = this
    core.heard(peer, nowMs)
    const argument = Number(command.words[1])
    switch (command.name) {
      case 'magic':
        core.magicRead(peer)
        return []
      case 'hello':
        return refusal(core.helloRead(peer, hello(command)))
      case 'proof': {
        const answer = core.proofRead(peer, command.words[1] !== 'wrong')
        if (answer.older === null) return refusal(answer.refusal)
        return [`replaces ${answer.older.address}`]
      }
      case 'check': {
        const answer = core.checkRead(peer, command.number('from'), command.number('length'))
        return typeof answer === 'string' ? [answer] : refusal(answer)
      }
      case 'checked':
        core.checkAnswered(peer, nowMs)
        return []
      case 'follow':
        return refusal(core.followRead(peer, argument, nowMs))
      case 'ack':
        return refusal(core.ackRead(peer, argument, nowMs))
      case 'report':
        return refusal(core.reportRead(peer, argument, nowMs))
      case 'send':
        return this.send(peer)
      case 'close':
        core.closed(peer)
        return []
      default:
        throw new Error(`no command ${command.name}`)
    }
  }

  private send(peer: Peer): string[] {
    const sent: string[] = []
    for (;;) {
      const size = this.core.sendSize(peer, this.nowMs)
      if (size === 0) return sent.length === 0 ? ['nothing'] : sent
      sent.push(`${peer.sent}+${size}`)
      this.core.sent(peer, size, this.nowMs)
    }
  }

  private tick(): string[] {
    const { heartbeats, closing } = this.core.tick(this.nowMs)
    const answers = heartbeats.map((peer) => {
      this.core.wrote(peer, this.nowMs)
      return `heartbeat ${peer.address}`
    })
    for (const { peer, refusal } of closing) {
      answers.push(`close ${peer.address} ${refusal.code}: ${refusal.message}`)
      this.core.closed(peer)
    }
    return answers
  }

  private make(changes: Partial<MasterCoreOptions>): MasterCore {
    const options: MasterCoreOptions = {
      identity: { clusterName: 'c', brokerName: 'a', brokerId: 0 },
      sharedSecret: '',
      heartbeatMs: 5_000,
      housekeepingMs: 20_000,
      inSyncReplicas: 2,
      slaveTimeoutMs: 3_000,
      gapMax: 10_000,
      apacheFrameBytes: 100,
      frameBytes: 400,
      bytesPerSecondMax: Number.POSITIVE_INFINITY,
      fromLastFile: false,
      connectionsMax: 4,
      handshakeTimeoutMs: 5_000,
      ...changes,
    }
    return new MasterCore(options, FILE_SIZE, { minOffset: 0, written: 0, stored: 0 })
  }
}

function hello(command: Command): Parameters<MasterCore['helloRead']>[1] {
  return {
    version: command.number('version', 1),
    clusterName: command.text('cluster', 'c'),
    brokerName: command.text('name', 'a'),
    brokerId: command.number('id', 1),
    fileSize: command.number('fileSize', FILE_SIZE),
    minOffset: 0,
    endOffset: command.number('end', 0),
    nonce: new Uint8Array(32),
  }
}

function refusal(refusal: HaRefusal | null): string[] {
  return refusal === null ? [] : [`refused ${refusal.code}: ${refusal.message}`]
}

replayFolder(
  'master',
  () => new MasterScript(),
  (name, compare) => {
    test(`master core: ${name}`, () => {
      const { actual, expected } = compare()
      equal(actual, expected)
    })
  },
)
