import { ApogeeError, assert } from '@apogee/base'
import type { TopicList } from '@apogee/protocol'
import { RouteTable } from '../core/route-table.ts'
import type {
  BrokerRegistration,
  RouteDecision,
  RouteTableOptions,
  TopicEntry,
} from '../core/route-types.ts'
import {
  allTopics,
  clusterView,
  filterByZone,
  memberAddrs,
  pickTopicRoute,
  systemTopics,
  topicsOfCluster,
  unitTopics,
} from '../core/route-view.ts'

// A small language over the route table, for scripted tests: one command a line, `word key=value
// …`; the answer is text.

type Arguments = ReadonlyMap<string, string>

/**
 * Runs commands against one table; `run` gives the lines of the answer and of the decisions that
 * came of it.
 */
export class RouteScript {
  private readonly options: RouteTableOptions = {
    supportActingMaster: false,
    notifyMinBrokerIdChanged: false,
    deleteTopicWithBrokerRegistration: false,
    brokersMax: 1000,
    topicsMax: 1000,
  }
  readonly table: RouteTable = new RouteTable(this.options)
  private nowMs = 0

  run(line: string): string[] {
    const [word = '', ...rest] = line.trim().split(/\s+/)
    const args = new Map<string, string>()
    for (const part of rest) {
      const at = part.indexOf('=')
      if (at < 0) args.set('', part)
      else args.set(part.slice(0, at), part.slice(at + 1))
    }
    const command = commands[word]
    if (command === undefined) throw new ApogeeError('SCRIPT_COMMAND', `unknown command: ${word}`)
    const answer = command(this, args)
    return [...answer, ...this.table.takeDecisions().map(decisionText)]
  }

  advance(ms: number): number {
    this.nowMs += ms
    return this.nowMs
  }

  set(key: string, value: string): void {
    const options: Record<string, boolean | number> = { ...this.options }
    assert(key in options, 'unknown option', key)
    Object.assign(this.options, {
      [key]: value === 'true' || value === 'false' ? value === 'true' : Number(value),
    })
  }
}

const commands: Record<string, (script: RouteScript, args: Arguments) => string[]> = {
  set: (script, args) => {
    for (const [key, value] of args) script.set(key, value)
    return []
  },
  advance: (script, args) => [`now ${script.advance(Number(args.get('ms')))}`],
  register: (script, args) => {
    const outcome = script.table.register(registrationOf(args), script.advance(0))
    if (outcome.kind === 'refused') return [`refused: ${outcome.reason}`]
    if (outcome.kind === 'ignored') return ['ignored']
    return [`registered master=${outcome.masterAddr ?? '-'} ha=${outcome.haServerAddr ?? '-'}`]
  },
  unregister: ({ table }, args) => {
    table.unregister(text(args, 'name'), text(args, 'addr'))
    return []
  },
  'connection-lost': ({ table }, args) => {
    table.connectionLost(Number(args.get('conn')))
    return []
  },
  expire: (script) => {
    script.table.expire(script.advance(0))
    return []
  },
  heartbeat: (script, args) => [
    script.table.heartbeat(text(args, 'name'), text(args, 'addr'), script.advance(0))
      ? 'alive'
      : 'unknown',
  ],
  version: (script, args) => {
    const version = args.has('version') ? versionOf(text(args, 'version')) : null
    const { changed, known } = script.table.queryDataVersion(
      text(args, 'name'),
      text(args, 'addr'),
      version,
      script.advance(0),
    )
    const shown = known === null ? '-' : `${known.stateVersion}.${known.timestamp}.${known.counter}`
    return [`changed=${changed} known=${shown}`]
  },
  'wipe-write': ({ table }, args) => [`${table.wipeWritePerm(text(args, 'name'))} topics`],
  'add-write': ({ table }, args) => [`${table.addWritePerm(text(args, 'name'))} topics`],
  'register-topic': ({ table }, args) => {
    const queueDatas = text(args, 'brokers')
      .split(',')
      .map((brokerName) => ({
        brokerName,
        readQueueNums: 3,
        writeQueueNums: 3,
        perm: 6,
        topicSysFlag: 0,
      }))
    return [table.registerTopic(text(args, 'topic'), queueDatas)]
  },
  'delete-topic': ({ table }, args) => {
    table.deleteTopic(text(args, 'topic'), args.get('cluster') ?? null)
    return []
  },
  route: ({ table }, args) => routeText(table, text(args, 'topic'), args.get('zone') ?? null),
  clusters: ({ table }) => {
    const view = clusterView(table)
    const clusters = [...view.clusterAddrTable].map(
      ([name, names]) => `${name}: ${[...names].join(' ')}`,
    )
    const brokers = [...view.brokerAddrTable.values()].map(
      (broker) => `${broker.brokerName} of ${broker.cluster}: ${addrsText(broker.brokerAddrs)}`,
    )
    return [...clusters, ...brokers]
  },
  members: ({ table }, args) => [addrsText(memberAddrs(table, text(args, 'name')))],
  topics: ({ table }, args) => {
    const cluster = args.get('cluster')
    return listText(cluster === undefined ? allTopics(table) : topicsOfCluster(table, cluster))
  },
  'system-topics': ({ table }) => listText(systemTopics(table)),
  'unit-topics': ({ table }) => [
    ...listText(unitTopics(table, 'unit')),
    ...listText(unitTopics(table, 'unit-sub')),
    ...listText(unitTopics(table, 'unit-sub-not-unit')),
  ],
}

function text(args: Arguments, key: string): string {
  const value = args.get(key)
  if (value === undefined) throw new ApogeeError('SCRIPT_ARGUMENT', `missing ${key}=`)
  return value
}

/** `state.timestamp.counter`. */
function versionOf(value: string): { stateVersion: number; timestamp: number; counter: number } {
  const [stateVersion = 0, timestamp = 0, counter = 0] = value.split('.').map(Number)
  return { stateVersion, timestamp, counter }
}

/** `name:read:write:perm:flag,…`; all but the name may be left out. */
function topicsOf(value: string): TopicEntry[] {
  if (value === '') return []
  return value.split(',').map((part) => {
    const [topicName = '', read = '4', write = '4', perm = '6', flag = '0'] = part.split(':')
    return {
      topicName,
      readQueueNums: Number(read),
      writeQueueNums: Number(write),
      perm: Number(perm),
      topicSysFlag: Number(flag),
    }
  })
}

function registrationOf(args: Arguments): BrokerRegistration {
  const name = text(args, 'name')
  const filters = args.get('filters')
  const acting = args.get('acting')
  return {
    clusterName: args.get('cluster') ?? 'c',
    brokerName: name,
    brokerAddr: text(args, 'addr'),
    brokerId: Number(args.get('id') ?? '0'),
    haServerAddr: args.get('ha') ?? null,
    zoneName: args.get('zone') ?? null,
    heartbeatTimeoutMs: args.has('timeout') ? Number(args.get('timeout')) : null,
    enableActingMaster: acting === undefined ? null : acting === 'true',
    dataVersion: versionOf(args.get('version') ?? '0.1.1'),
    topics: topicsOf(args.get('topics') ?? ''),
    topicQueueMappings: (args.get('static')?.split(',') ?? []).map((topic) => ({
      topic,
      totalQueues: 8,
      bname: name,
      epoch: 1,
      scope: '__global__',
      dirty: false,
      currIdMap: new Map([[0, 0]]),
    })),
    filterServers: filters === undefined ? null : filters.split(',').filter((part) => part !== ''),
    connectionId: Number(args.get('conn') ?? '1'),
  }
}

function routeText(table: RouteTable, topic: string, zone: string | null): string[] {
  const found = pickTopicRoute(table, topic)
  if (found === null) return ['no route']
  const route = zone === null ? found : filterByZone(found, zone)
  const lines = route.queueDatas.map(
    (queue) =>
      `queues ${queue.brokerName} read=${queue.readQueueNums} write=${queue.writeQueueNums} ` +
      `perm=${queue.perm} flag=${queue.topicSysFlag}`,
  )
  for (const broker of route.brokerDatas) {
    const zoneText = broker.zoneName === null ? '' : ` zone=${broker.zoneName}`
    const acting = broker.enableActingMaster ? ' acting' : ''
    lines.push(`broker ${broker.brokerName} ${addrsText(broker.brokerAddrs)}${zoneText}${acting}`)
  }
  for (const [addr, servers] of route.filterServerTable)
    lines.push(`filters ${addr}: ${servers.join(' ')}`)
  for (const [name, mapping] of route.topicQueueMappingByBroker ?? []) {
    lines.push(`static ${name} queues=${mapping.totalQueues}`)
  }
  return lines
}

function addrsText(addrs: ReadonlyMap<number, string>): string {
  if (addrs.size === 0) return 'nobody'
  return [...addrs].map(([brokerId, addr]) => `${brokerId}=${addr}`).join(' ')
}

function listText(list: TopicList): string[] {
  const names = list.topicList.length === 0 ? 'none' : list.topicList.join(' ')
  return [list.brokerAddr === null ? names : `${names} (ask ${list.brokerAddr})`]
}

function decisionText(decision: RouteDecision): string {
  if (decision.kind === 'close-connection') return `> close connection ${decision.connectionId}`
  if (decision.kind === 'report') {
    return `> ${decision.event} ${decision.brokerName} ${decision.brokerId}=${decision.brokerAddr}`
  }
  const { minBrokerId, minBrokerAddr, offlineBrokerAddr, haBrokerAddr, to } = decision
  return (
    `> tell ${to.join(' ')}: lowest ${minBrokerId}=${minBrokerAddr} ` +
    `offline=${offlineBrokerAddr ?? '-'} ha=${haBrokerAddr ?? '-'}`
  )
}
