// Records what unmodified clients and Apache's servers say to each other, as fixtures for the codecs.
//
//   node e2e/record-golden.ts [--clients java-5.5.0,go,...]      writes packages/protocol/testdata/golden
//
// Each client reaches NameServer and broker through a proxy on 127.0.0.2, the broker reaches the NameServer through one on
// 127.0.0.3. One file holds one whole frame, length prefix included. index.json says what each file is.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startApacheBroker, startApacheNamesrv } from './harness/apache.ts'
import { rootFolder } from './harness/builds.ts'
import { clientTours, type TourStop } from './harness/golden-tours.ts'
import { freePorts, temporaryFolder } from './harness/processes.ts'
import { waitForRoute } from './harness/raw-client.ts'
import { type RecordedFrame, RecordingProxy } from './harness/recording-proxy.ts'
import { requestCodeNames } from './harness/request-code-names.ts'
import { commonBrokerConf } from './harness/target.ts'

const GOLDEN = join(rootFolder, 'packages/protocol/testdata/golden')
const VARIANTS_MAX = 3
const FRAME_BYTES_MAX = 16_384

interface IndexEntry {
  file: string
  client: string
  sender: 'client' | 'server'
  kind: 'request' | 'response'
  requestCode: number
  name: string
  responseCode: number | null
  serializer: string
  oneway: boolean
  fields: string[]
  bodyBytes: number
}

interface Index {
  source: string
  layout: string
  frames: IndexEntry[]
}

/** Keeps the first few different frames of each client, direction and code. */
class Recorder {
  readonly #seen = new Set<string>()
  readonly #variants = new Map<string, number>()
  readonly entries: IndexEntry[] = []
  readonly bytes = new Map<string, Buffer>()
  readonly tooLong: string[] = []

  record(client: string, recorded: RecordedFrame): void {
    const { frame, kind, requestCode, from } = recorded
    const fields = Object.keys(frame.fields).toSorted()
    const responseCode = kind === 'response' ? frame.code : null
    const shape = [client, kind, from, requestCode, responseCode, frame.serializer, frame.flag & 2]
    const key = [...shape, frame.body.length > 0, ...fields].join()
    if (requestCode < 0 || this.#seen.has(key)) return
    const name = requestCodeNames[requestCode] ?? 'UNKNOWN'
    const failed = responseCode === null || responseCode === 0 ? '' : `-${responseCode}`
    const stem = `${requestCode}-${name}-${kind === 'request' ? 'req' : 'res'}${failed}`
    if (frame.bytes.length > FRAME_BYTES_MAX) {
      this.tooLong.push(`${client}/${stem}: ${frame.bytes.length} bytes`)
      return
    }
    const variant = (this.#variants.get(`${client}/${stem}`) ?? 0) + 1
    if (variant > VARIANTS_MAX) return
    this.#seen.add(key)
    this.#variants.set(`${client}/${stem}`, variant)
    const file = `${client}/${stem}${variant === 1 ? '' : `-v${variant}`}.bin`
    this.bytes.set(file, Buffer.from(frame.bytes))
    const { serializer, body } = frame
    const oneway = (frame.flag & 2) !== 0
    const rest = { responseCode, serializer, oneway, fields, bodyBytes: body.length }
    this.entries.push({ file, client, sender: from, kind, requestCode, name, ...rest })
  }
}

/** Replaces the files of the clients that were recorded; nothing is touched when a tour failed. */
function writeAll(recorder: Recorder, clients: readonly string[]): void {
  for (const client of clients) {
    rmSync(join(GOLDEN, client), { recursive: true, force: true })
    mkdirSync(join(GOLDEN, client), { recursive: true })
  }
  for (const [file, bytes] of recorder.bytes) writeFileSync(join(GOLDEN, file), bytes)
  const path = join(GOLDEN, 'index.json')
  const known = ((): IndexEntry[] => {
    try {
      return (JSON.parse(readFileSync(path, 'utf8')) as Index).frames
    } catch {
      return []
    }
  })()
  const kept = known.filter((entry) => !clients.includes(entry.client))
  const frames = [...kept, ...recorder.entries].toSorted((a, b) => (a.file < b.file ? -1 : 1))
  const head = {
    source: 'e2e/record-golden.ts against Apache RocketMQ 5.5.0',
    layout: 'one remoting frame per file, 4-byte length prefix included',
  }
  const lines = frames.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n')
  const text = `{\n  "source": "${head.source}",\n  "layout": "${head.layout}",\n  "frames": [\n${lines}\n  ]\n}\n`
  writeFileSync(path, text)
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { clients: { type: 'string' } } })
  const stops = clientTours.filter(
    (stop) => values.clients === undefined || values.clients.split(',').includes(stop.client),
  )
  const recorder = new Recorder()
  const dir = temporaryFolder('golden')
  const namesrvPort = await freePorts(1)
  const brokerPort = (await freePorts(4)) + 2
  const recordBroker = stops.some((stop) => stop.client === 'broker-5.5.0')
  let current: TourStop | null = null
  const onFrame = (recorded: RecordedFrame): void => {
    if (current !== null) recorder.record(current.client, recorded)
  }
  const onBrokerFrame = (recorded: RecordedFrame): void => {
    if (recordBroker) recorder.record('broker-5.5.0', recorded)
  }
  const local = '127.0.0.1'
  const proxies = [
    { listenHost: '127.0.0.2', port: namesrvPort, targetPort: namesrvPort, onFrame },
    { listenHost: '127.0.0.2', port: brokerPort, targetPort: brokerPort, onFrame },
    { listenHost: '127.0.0.3', port: namesrvPort, targetPort: namesrvPort, onFrame: onBrokerFrame },
  ].map((options) => RecordingProxy.start({ targetHost: local, ...options }))
  const namesrv = await startApacheNamesrv(join(dir, 'namesrv'), namesrvPort, {
    bindAddress: local,
  })
  const ports = { namesrv: namesrvPort, broker: brokerPort }
  const conf = commonBrokerConf({ dir }, ports, join(dir, 'store'))
  const broker = await startApacheBroker(dir, {
    ...conf,
    namesrvAddr: `127.0.0.3:${namesrvPort}`,
    brokerIP1: '127.0.0.2',
    bindAddress: local,
  })
  await waitForRoute(`${local}:${namesrvPort}`, 'TBW102')
  for (const stop of stops) {
    current = stop
    console.log(`touring with ${stop.client}`)
    await stop.tour({
      namesrvAddr: `127.0.0.2:${namesrvPort}`,
      dir,
      brokerAddr: `127.0.0.2:${brokerPort}`,
    })
  }
  await broker.stop()
  await namesrv.stop()
  for (const proxy of proxies) await (await proxy).close()
  writeAll(
    recorder,
    stops.map((stop) => stop.client),
  )
  console.log(`${recorder.entries.length} frames recorded`)
  for (const line of recorder.tooLong) console.log(`left out, too long: ${line}`)
}

await main()
