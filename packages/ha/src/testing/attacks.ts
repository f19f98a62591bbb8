import type { Prng } from '@apogee/base'
import {
  encodeHaCheck,
  encodeHaFrame,
  encodeHaGreeting,
  HA_NONCE_SIZE,
  HA_PROOF_SIZE,
  HA_SLAVE_MAGIC,
  HA_VERSION,
  HaFrameType,
  writeApacheReport,
} from '@apogee/protocol'

/** What an attacker sends on one connection: pieces with pauses between them, ms. */
export interface Attack {
  name: string
  pieces: readonly Uint8Array[]
  pauseMs: number
}

export interface Target {
  /** mappedFileSizeCommitLog of the master. */
  fileSize: number
  /** End of its log. */
  end: number
  /** All that an honest slave has sent in its session so far. */
  recorded: Uint8Array
}

const HTTP =
  'GET /actuator/health HTTP/1.1\r\nHost: 10.0.0.1:10912\r\nUser-Agent: kube-probe/1.31\r\n\r\n'
const TLS_HELLO = '16030100a5010000a10303'

type MakeAttack = (prng: Prng, target: Target) => Uint8Array | readonly Uint8Array[]

/** By name. None of these may learn anything, or count for anything. */
const ATTACKS: Readonly<Record<string, MakeAttack>> = {
  'no bytes': () => [],
  'an HTTP probe': () => Buffer.from(HTTP),
  'a TLS hello': () => Buffer.from(TLS_HELLO, 'hex'),
  'half of the magic': (prng) => HA_SLAVE_MAGIC.subarray(0, 1 + prng.below(7)),
  'the magic alone': () => HA_SLAVE_MAGIC,
  garbage: (prng) => randomBytes(prng, prng.below(3000)),
  'the magic and garbage': (prng) => join(HA_SLAVE_MAGIC, randomBytes(prng, prng.below(3000))),
  'a frame of a giant size': (prng) => join(HA_SLAVE_MAGIC, giantFrame(prng)),
  'a HELLO and no proof': (prng, target) => join(HA_SLAVE_MAGIC, hello(prng, target, 'broker')),
  'a HELLO of another broker': (prng, target) =>
    join(HA_SLAVE_MAGIC, hello(prng, target, 'another')),
  'half of a HELLO': (prng, target) => {
    const whole = join(HA_SLAVE_MAGIC, hello(prng, target, 'broker'))
    return whole.subarray(0, 8 + prng.below(whole.length - 8))
  },
  'a guessed proof': (prng, target) =>
    join(HA_SLAVE_MAGIC, hello(prng, target, 'broker'), proof(prng), follow(0)),
  'FOLLOW before the handshake': () => join(HA_SLAVE_MAGIC, follow(0)),
  'FOLLOW before the proof': (prng, target) =>
    join(HA_SLAVE_MAGIC, hello(prng, target, 'broker'), follow(0)),
  'CHECK before the proof': (prng, target) =>
    join(
      HA_SLAVE_MAGIC,
      hello(prng, target, 'broker'),
      encodeHaFrame(HaFrameType.CHECK, 0, encodeHaCheck(1 + prng.below(1000))),
    ),
  'ACK before the handshake': (_prng, { end }) => join(HA_SLAVE_MAGIC, ack(end)),
  'ACK before the proof': (prng, target) =>
    join(HA_SLAVE_MAGIC, hello(prng, target, 'broker'), ack(target.end)),
  "a master's frame": () => join(HA_SLAVE_MAGIC, encodeHaFrame(HaFrameType.HEARTBEAT, 0)),
  'a recorded session': (_prng, { recorded }) => recorded,
  'a part of a recorded session': (prng, { recorded }) =>
    recorded.subarray(0, prng.below(recorded.length + 1)),
  "Apache's report of an empty log": () => report(0),
  "Apache's report of the whole log": (_prng, { end }) => report(end),
  "Apache's report beyond the log": (prng, { end }) => report(end + prng.below(1e9)),
  'many reports': (_prng, { end }) => Array.from({ length: 50 }, (_, i) => report(i * end)),
}

export const ATTACK_NAMES: readonly string[] = Object.keys(ATTACKS)

/** Draws one: at once, or one byte after the other and slowly. */
export function drawAttack(prng: Prng, target: Target): Attack {
  const name = ATTACK_NAMES[prng.below(ATTACK_NAMES.length)]!
  const made = ATTACKS[name]!(prng, target)
  const whole = made instanceof Uint8Array ? made : join(...made)
  if (!prng.chance(0.2)) return { name, pieces: whole.length === 0 ? [] : [whole], pauseMs: 0 }
  const pieces = Array.from(whole.subarray(0, 200), (byte) => Uint8Array.of(byte))
  return { name: `${name}, slowly`, pieces, pauseMs: 1 + prng.below(20) }
}

function hello(prng: Prng, { fileSize, end }: Target, brokerName: string): Buffer {
  const identity = { clusterName: 'cluster', brokerName, brokerId: 1 + prng.below(3) }
  const nonce = randomBytes(prng, HA_NONCE_SIZE)
  const range = { fileSize, minOffset: 0, endOffset: prng.below(2) * end }
  const greeting = encodeHaGreeting({ version: HA_VERSION, ...identity, ...range, nonce })
  return encodeHaFrame(HaFrameType.HELLO, 0, greeting)
}

function proof(prng: Prng): Buffer {
  return encodeHaFrame(HaFrameType.PROOF, 0, randomBytes(prng, HA_PROOF_SIZE))
}

const follow = (offset: number): Buffer => encodeHaFrame(HaFrameType.FOLLOW, offset)
const ack = (offset: number): Buffer => encodeHaFrame(HaFrameType.ACK, offset)

/** A HELLO that promises far more than any has. */
function giantFrame(prng: Prng): Buffer {
  const frame = encodeHaFrame(HaFrameType.HELLO, 0, randomBytes(prng, 100))
  for (let at = 1; at < 8; at++) frame[at] = 0x7f
  return frame
}

function report(offset: number): Buffer {
  const bytes = Buffer.alloc(8)
  writeApacheReport(bytes, 0, offset)
  return bytes
}

function join(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts)
}

function randomBytes(prng: Prng, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = prng.below(256)
  return bytes
}
