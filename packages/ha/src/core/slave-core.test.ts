import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { HaProtocol } from '../ha-options.ts'
import { type Command, replayFolder, type Script } from './script.fixture.ts'
import { type SlaveAction, SlaveCore } from './slave-core.ts'

const FILE_SIZE = 1_000

class SlaveScript implements Script {
  private core: SlaveCore
  private nowMs = 0
  private told = ''

  constructor() {
    this.core = make(false)
  }

  run(command: Command): string[] {
    const answers = this.answer(command)
    for (const action of this.core.actions.splice(0)) answers.push(`> ${describe(action)}`)
    const { state, problem, masterOffset } = this.core
    const text = `= ${state} master=${masterOffset}${problem === null ? '' : ` ${problem.code}: ${problem.message}`}`
    if (text !== this.told) answers.push(text)
    this.told = text
    return answers
  }

  private answer(command: Command): string[] {
    const { core, nowMs } = this
    const [word = ''] = command.words
    switch (command.name) {
      case 'options':
        this.core = make(command.text('fromLastFile', 'false') === 'true')
        return []
      case 'follow':
        this.follow(word, command.words[1] as HaProtocol | undefined)
        return []
      case 'wait':
        this.nowMs += command.number('ms')
        return [`now ${this.nowMs}`]
      case 'tick':
        return [core.tick(nowMs) ?? 'nothing']
      case 'deadline':
        return [`deadline ${core.nextDeadlineMs}`]
      case 'connect':
        core.connect({
          minOffset: command.number('min', 0),
          end: command.number('end', 0),
          isEmpty: command.number('end', 0) === command.number('min', 0),
          isBegun: word === 'begun',
        })
        return []
      case 'stop':
        core.stop()
        return []
      default:
        return this.connectionCommand(command, word)
    }
  }

  private connectionCommand(command: Command, word: string): string[] {
    const { core, nowMs } = this
    switch (command.name) {
      case 'connected':
        core.connected(nowMs)
        break
      case 'closed':
        core.closed(word, nowMs)
        break
      case 'magic':
        core.magicRead(word === 'ours', nowMs)
        break
      case 'welcome':
        this.welcome(command, word !== 'wrong')
        break
      case 'compared':
        core.compared(word === 'gone' ? null : word === 'same', nowMs)
        break
      case 'boundary':
        core.boundaryFound(Number(word), nowMs)
        break
      case 'refused':
        core.refuse({ code: word, message: 'by the master' }, nowMs)
        break
      case 'followed':
        core.heard(nowMs)
        core.followed(Number(word))
        break
      case 'start-at':
        return [core.startAt(Number(word))?.code ?? 'ok']
      case 'stored':
        return this.stored(Number(word))
      case 'paused':
        core.pausedReading(word === 'yes', nowMs)
        break
      default:
        throw new Error(`no command ${command.name}`)
    }
    return []
  }

  private follow(address: string, protocol: HaProtocol = 'apogee'): void {
    this.core.follow(address === 'none' ? null : { address, protocol }, this.nowMs)
  }

  private welcome(command: Command, isRight: boolean): void {
    const welcome = {
      version: command.number('version', 1),
      clusterName: command.text('cluster', 'c'),
      brokerName: command.text('name', 'a'),
      brokerId: command.number('id', 0),
      fileSize: command.number('fileSize', FILE_SIZE),
      minOffset: command.number('min', 0),
      endOffset: command.number('end', 0),
      nonce: new Uint8Array(32),
    }
    this.core.heard(this.nowMs)
    this.core.welcomeRead(welcome, isRight, this.nowMs)
  }

  private stored(offset: number): string[] {
    const ack = this.core.ackOffset(offset)
    if (ack < 0) return ['nothing to acknowledge']
    this.core.acknowledged(ack, this.nowMs)
    return [`acknowledge ${ack}`]
  }
}

function make(fromLastFile: boolean): SlaveCore {
  return new SlaveCore(
    {
      identity: { clusterName: 'c', brokerName: 'a', brokerId: 1 },
      sharedSecret: '',
      heartbeatMs: 5_000,
      housekeepingMs: 20_000,
      retryMs: 1_000,
      connectTimeoutMs: 3_000,
      divergedTailMax: 5_000,
      fromLastFile,
    },
    FILE_SIZE,
  )
}

function describe(action: SlaveAction): string {
  const { kind, ...fields } = action
  const parts = Object.entries(fields).map(([key, value]) =>
    typeof value === 'object' ? `${value.address} ${value.protocol}` : `${key}=${value}`,
  )
  return [kind, ...parts].join(' ')
}

replayFolder(
  'slave',
  () => new SlaveScript(),
  (name, compare) => {
    test(`slave core: ${name}`, () => {
      const { actual, expected } = compare()
      equal(actual, expected)
    })
  },
)
