// The checks themselves. Each gives what it found and never rejects for what a server did.
import { type Admin, AdminError, type BrokerTarget, replicaStatuses } from '@apogee/admin'
import {
  ClusterInfo,
  isReadable,
  isWriteable,
  KVTable,
  RequestCode,
  type TopicRouteData,
} from '@apogee/protocol'
import { fastAddress, isLoopbackOfElsewhere, unreachableHint } from './advertised-address.ts'
import { type Check, ok, problem, skipped, warning } from './check.ts'
import { checkReplication } from './replication-checks.ts'
import { checkClock, checkDisk, checkVersions, type RuntimeInfo } from './runtime-checks.ts'

/** Of topics that are wrong, so many are named. */
const NAMED_MAX = 20
const START_NAMESERVER =
  'start one with `apogee start` or `apogee namesrv`, or name another with -n'

export interface ExamineDeps {
  readonly admin: Admin
  readonly nameservers: readonly string[]
  readonly timeoutMs: number
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** All checks of a cluster, in an order in which they are read well. */
export async function examine(deps: ExamineDeps): Promise<Check[]> {
  const answers = await Promise.all(deps.nameservers.map((address) => askNameserver(deps, address)))
  const checks = answers.map(({ check }) => check)
  const infos = answers.flatMap(({ address, info }) => (info === null ? [] : [{ address, info }]))
  const agree = checkAgreement(infos)
  if (agree !== null) checks.push(agree)
  if (infos.length === 0) return checks
  const brokers = await deps.admin.cluster.brokers()
  if (brokers.length === 0) {
    const hint =
      'a broker registers with the NameServers that its namesrvAddr names, within seconds'
    return [...checks, problem('cluster', 'cluster', 'no broker is registered', hint)]
  }
  checks.push(...checkMasters(brokers))
  const seen = await Promise.all(brokers.map((broker) => examineBroker(deps, broker)))
  checks.push(...seen.flatMap((one) => one.checks))
  const versions = new Map(seen.flatMap(({ version }) => (version === null ? [] : [version])))
  const alike = checkVersions(versions)
  if (alike !== null) checks.push(alike)
  const statuses = brokers.map((broker, i) => ({ ...broker, runtime: seen[i]!.runtime }))
  checks.push(...checkReplication(replicaStatuses(statuses)))
  return [...checks, ...(await examineTopics(deps, brokers))]
}

interface NameserverAnswer {
  readonly address: string
  readonly info: ClusterInfo | null
  readonly check: Check
}

async function askNameserver(
  { admin, timeoutMs, now }: ExamineDeps,
  address: string,
): Promise<NameserverAnswer> {
  const beganMs = now()
  try {
    const request = { code: RequestCode.GET_BROKER_CLUSTER_INFO, header: {}, values: {}, timeoutMs }
    const info = await admin.transport.callBody(address, request, ClusterInfo)
    const count = [...info.brokerAddrTable.values()].reduce(
      (sum, one) => sum + one.brokerAddrs.size,
      0,
    )
    const text = `answers in ${now() - beganMs} ms, knows ${count} broker${count === 1 ? '' : 's'}`
    return { address, info, check: ok('nameserver', address, text) }
  } catch (error) {
    const check = problem('nameserver', address, reasonOf(error), START_NAMESERVER)
    return { address, info: null, check }
  }
}

/** Every broker must be registered with every NameServer: clients ask one of them. */
export function checkAgreement(
  infos: readonly { address: string; info: ClusterInfo }[],
): Check | null {
  if (infos.length < 2) return null
  const lists = infos.map(({ address, info }) => ({ address, brokers: new Set(addressesOf(info)) }))
  const all = new Set(lists.flatMap(({ brokers }) => [...brokers]))
  const missing = lists.flatMap(({ address, brokers }) =>
    [...all]
      .filter((broker) => !brokers.has(broker))
      .map((broker) => `${address} does not know ${broker}`),
  )
  if (missing.length === 0)
    return ok('nameservers-agree', 'NameServers', 'all know the same brokers')
  const hint = "each broker's namesrvAddr must name all NameServers"
  return problem('nameservers-agree', 'NameServers', missing.slice(0, NAMED_MAX).join('; '), hint)
}

function addressesOf(info: ClusterInfo): string[] {
  return [...info.brokerAddrTable].flatMap(([name, { brokerAddrs }]) =>
    [...brokerAddrs].map(([id, address]) => `${name}/${id} ${address}`),
  )
}

/** A name without a master takes no messages; one address under two names is one broker that was renamed. */
export function checkMasters(brokers: readonly BrokerTarget[]): Check[] {
  const checks: Check[] = []
  const names = [...new Set(brokers.map(({ brokerName }) => brokerName))]
  for (const name of names) {
    if (brokers.some(({ brokerId, brokerName }) => brokerName === name && brokerId === 0)) continue
    const hint =
      'its messages can be read from a slave, but nothing can be sent to it: start its master'
    checks.push(problem('master', name, 'has no master', hint))
  }
  for (const [address, owners] of Map.groupBy(brokers, (broker) => broker.address)) {
    if (owners.length < 2) continue
    const list = owners.map(({ brokerId, brokerName }) => `${brokerName}/${brokerId}`).join(' and ')
    const hint =
      'two brokers need two addresses; one that was renamed leaves its old name within two minutes'
    checks.push(problem('master', address, `is advertised by ${list}`, hint))
  }
  if (checks.length > 0) return checks
  const masters = `${names.length} broker name${names.length === 1 ? '' : 's'}`
  return [
    ok(
      'master',
      'cluster',
      names.length === 1 ? `${masters}, with its master` : `${masters}, each with its master`,
    ),
  ]
}

interface BrokerSeen {
  readonly checks: readonly Check[]
  readonly version: readonly [broker: string, version: string] | null
  /** What it says about itself; null when it could not be asked. */
  readonly runtime: RuntimeInfo | null
}

async function examineBroker(deps: ExamineDeps, broker: BrokerTarget): Promise<BrokerSeen> {
  const { address, brokerId, brokerName } = broker
  const target = `${brokerName}/${brokerId} ${address}`
  const beganMs = deps.now()
  let runtime: RuntimeInfo
  try {
    runtime = await runtimeOf(deps, address)
  } catch (error) {
    const text = `advertises ${address}, which this machine cannot reach: ${reasonOf(error)}`
    return {
      checks: [problem('broker-address', target, text, unreachableHint(address, brokerName))],
      version: null,
      runtime: null,
    }
  }
  const endedMs = deps.now()
  const checks: Check[] = [reached(deps, broker, target, endedMs - beganMs)]
  checks.push(await examineFastPort(deps, broker, target))
  checks.push(checkClock(target, runtime, (beganMs + endedMs) / 2), checkDisk(target, runtime))
  const version = runtime.get('brokerVersionDesc')
  return {
    checks,
    version: version === undefined ? null : [`${brokerName}/${brokerId}`, version],
    runtime,
  }
}

function reached(
  { nameservers }: ExamineDeps,
  { address, brokerName }: BrokerTarget,
  target: string,
  tookMs: number,
): Check {
  const text = `answers in ${tookMs} ms at the address that it advertises`
  if (!isLoopbackOfElsewhere(address, nameservers)) return ok('broker-address', target, text)
  const hint = `clients on other machines cannot reach it: set brokerIP1 in the configuration of ${brokerName}`
  return warning('broker-address', target, `${text}, which is a loopback address`, hint)
}

async function runtimeOf({ admin, timeoutMs }: ExamineDeps, address: string): Promise<RuntimeInfo> {
  const request = { code: RequestCode.GET_BROKER_RUNTIME_INFO, header: {}, values: {}, timeoutMs }
  return (await admin.transport.callBody(address, request, KVTable)).table
}

/** Clients use it only with vipChannelEnabled, so that a closed one is no more than a warning. */
async function examineFastPort(
  deps: ExamineDeps,
  broker: BrokerTarget,
  target: string,
): Promise<Check> {
  const address = fastAddress(broker.address)
  if (address === null) return skipped('fast-port', target, 'has none')
  try {
    await runtimeOf(deps, address)
    return ok('fast-port', target, `fast port ${address} answers`)
  } catch (error) {
    const hint =
      'only clients with the VIP channel on use it; it is two below the port of the broker'
    return warning('fast-port', target, `fast port: ${reasonOf(error)}`, hint)
  }
}

/** Permissions at the NameServer (where wipeWritePerm takes them) and queues of topics. */
async function examineTopics(
  deps: ExamineDeps,
  brokers: readonly BrokerTarget[],
): Promise<Check[]> {
  const { admin } = deps
  try {
    const { results } = await admin.topics.list()
    const users = results.filter(({ kind }) => kind === 'normal')
    const bad = users.filter(({ perm, readQueues, writeQueues }) => {
      const canWrite = isWriteable(perm) && writeQueues > 0
      return !canWrite && !(isReadable(perm) && readQueues > 0)
    })
    const checks = [
      queuesCheck(
        users.length,
        bad.map(({ topic }) => topic),
      ),
    ]
    const masters = brokers.filter(({ brokerId }) => brokerId === 0)
    const sample = results.find(({ perm }) => isWriteable(perm))
    if (sample === undefined) return checks
    for (const broker of masters) {
      const own = results.find(
        (one) => isWriteable(one.perm) && one.brokers.includes(broker.brokerName),
      )
      if (own !== undefined)
        checks.push(permissionCheck(broker, own.topic, await routeOf(admin, own.topic)))
    }
    return checks
  } catch (error) {
    return [skipped('topic-queues', 'topics', `could not be listed: ${reasonOf(error)}`)]
  }
}

function queuesCheck(count: number, bad: readonly string[]): Check {
  if (bad.length === 0) return ok('topic-queues', 'topics', `${count} topics, all with queues`)
  const names = bad.slice(0, NAMED_MAX).join(', ')
  const more = bad.length > NAMED_MAX ? ` and ${bad.length - NAMED_MAX} more` : ''
  const hint =
    'nobody can send to or read from them: `apogee topic create` gives queues, `apogee topic perm` permission'
  return warning('topic-queues', 'topics', `without queues or permission: ${names}${more}`, hint)
}

async function routeOf(admin: Admin, topic: string): Promise<TopicRouteData | null> {
  try {
    return await admin.topics.route(topic)
  } catch (error) {
    if (error instanceof AdminError) return null
    throw error
  }
}

/** A broker whose own topic may be written, while its route says no, has had its permission wiped. */
export function permissionCheck(
  { brokerName }: Pick<BrokerTarget, 'brokerName'>,
  topic: string,
  route: TopicRouteData | null,
): Check {
  const queues = route?.queueDatas.find((data) => data.brokerName === brokerName)
  if (queues === undefined) {
    return skipped('write-permission', brokerName, `the NameServer has no route of ${topic} to it`)
  }
  if (isWriteable(queues.perm)) return ok('write-permission', brokerName, 'may be written to')
  const hint = '`apogee broker undrain BROKER` gives it back; `apogee broker drain` takes it'
  return warning(
    'write-permission',
    brokerName,
    'its write permission was wiped at the NameServer',
    hint,
  )
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
