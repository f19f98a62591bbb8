// Apache's mqadmin commands for cluster, broker, topic, group, offset and message, in an order in which each finds what it
// needs, with the essence of what Apache's own servers make them print.
import type { SentMessage } from '../harness/client-program.ts'
import type { Target } from '../harness/target.ts'

export interface AdminStep {
  command: string
  args: Readonly<Record<string, string | number>>
  /** Each must match what the command prints. */
  prints: readonly RegExp[]
  /** None may match. Unless given, an exception may not appear. */
  never?: readonly RegExp[]
}

export interface AdminPlace {
  target: Target
  topic: string
  group: string
  clientId: string
  /** Eight messages, two in each of four queues, consumed by `group`. */
  sent: readonly SentMessage[]
}

export const NOT_FOUND: RegExp = /CODE: 17 {2}DESC: /

/** One line of a table: its cells in order, with any spaces between them. */
export function row(...cells: (string | number)[]): RegExp {
  const escaped = cells.map((cell) => String(cell).replaceAll(/[.*+?^${}()|[\]\\%]/g, '\\$&'))
  return new RegExp(`^\\s*${escaped.join('\\s+')}(\\s|$)`, 'm')
}

function perQueue(cells: (queueId: number) => (string | number)[]): RegExp[] {
  return [0, 1, 2, 3].map((queueId) => row(...cells(queueId)))
}

export function creationSteps({ target, topic, group }: AdminPlace): AdminStep[] {
  const [b, c] = [target.brokerAddr, target.clusterName]
  const created = (name: string): RegExp[] => [
    new RegExp(`create topic to ${b} success`),
    new RegExp(`topicName=${name}, readQueueNums=4, writeQueueNums=4, perm=RW-`),
  ]
  const groupCreated = new RegExp(`create subscription group to ${b} success`)
  return [
    { command: 'updateTopic', args: { c, t: topic, r: 4, w: 4 }, prints: created(topic) },
    { command: 'updateTopic', args: { b, t: 'Other', r: 4, w: 4, p: 6 }, prints: created('Other') },
    { command: 'updateSubGroup', args: { c, g: group, r: 7 }, prints: [groupCreated] },
    { command: 'updateSubGroup', args: { b, g: 'other_group' }, prints: [groupCreated] },
  ]
}

export function topicSteps(place: AdminPlace): AdminStep[] {
  const { target, topic, group } = place
  const [b, name] = [target.brokerAddr, target.brokerName]
  const put = { t: topic, m: 'put', v: `${name}:4` }
  return [
    {
      command: 'updateTopicPerm',
      args: { b, t: 'Other', p: 4 },
      prints: [new RegExp(`update topic perm from 6 to 4 in ${b} success`), /perm=R--/],
    },
    {
      command: 'topicRoute',
      args: { t: topic },
      prints: [
        new RegExp(`"?0"?\\s*:\\s*"${b}"`),
        new RegExp(`"brokerName":\\s*"${name}"`),
        /"perm":\s*6/,
        /"readQueueNums":\s*4/,
        /"writeQueueNums":\s*4/,
      ],
    },
    { command: 'topicRoute', args: { t: 'NoSuchTopic' }, prints: [NOT_FOUND], never: [] },
    {
      command: 'topicStatus',
      args: { t: topic },
      prints: perQueue((id) => [name, id, 0, 2, new Date().toISOString().slice(0, 4)]).map(
        (pattern) => new RegExp(pattern.source.replace('(\\s|$)', ''), 'm'),
      ),
    },
    { command: 'topicClusterList', args: { t: topic }, prints: [row(target.clusterName)] },
    {
      command: 'topicList',
      args: {},
      prints: [topic, 'Other', 'TBW102', `%RETRY%${group}`, 'SELF_TEST_TOPIC', 'BenchmarkTest'].map(
        (one) => row(one),
      ),
    },
    { command: 'topicList', args: { c: '' }, prints: [row(target.clusterName, topic, group)] },
    { command: 'updateOrderConf', args: put, prints: [/update orderConf success/] },
    {
      command: 'updateOrderConf',
      args: { t: topic, m: 'get' },
      prints: [
        new RegExp(`get orderConf success. topic=\\[${topic}\\], orderConf=\\[${name}:4\\]`),
      ],
    },
    {
      command: 'updateOrderConf',
      args: { t: topic, m: 'delete' },
      prints: [/delete orderConf success/],
    },
    {
      command: 'updateOrderConf',
      args: { t: topic, m: 'get' },
      prints: [/CODE: 22 /],
      never: [/get orderConf success/],
    },
    {
      command: 'allocateMQ',
      args: { t: topic, i: '10.0.0.1,10.0.0.2' },
      prints: [/"10.0.0.1":\[/, /"10.0.0.2":\[/, ...perQueueIds()],
    },
  ]
}

function perQueueIds(): RegExp[] {
  return [0, 1, 2, 3].map((id) => new RegExp(`"queueId":${id}\\b`))
}

export function groupSteps(place: AdminPlace): AdminStep[] {
  const { target, topic, group, clientId } = place
  const [b, name] = [target.brokerAddr, target.brokerName]
  return [
    {
      command: 'getConsumerConfig',
      args: { g: group },
      prints: [/retryMaxTimes\s+=\s+7\b/, /consumeEnable\s+=\s+true/, new RegExp(`:${name}=`)],
    },
    {
      command: 'consumerProgress',
      args: { g: group },
      prints: [...perQueue((id) => [topic, name, id, 2, 2, 0]), /Consume Diff Total: 0/],
    },
    {
      command: 'consumerProgress',
      args: {},
      prints: [new RegExp(`^${group}\\s+1\\s+V5_5_0\\s+PUSH\\s+CLUSTERING\\s+\\d+\\s+0`, 'm')],
    },
    {
      command: 'consumerStatus',
      args: { g: group },
      prints: [row(1, clientId, 'V5_5_0'), /Same subscription/, /Rebalance OK/],
    },
    {
      command: 'consumerConnection',
      args: { g: group },
      prints: [
        new RegExp(`^${clientId}\\s+127.0.0.1:\\d+\\s+JAVA\\s+V5_5_0`, 'm'),
        row(topic, '*'),
        /ConsumeType: CONSUME_PASSIVELY/,
        /MessageModel: CLUSTERING/,
        /ConsumeFromWhere: CONSUME_FROM_FIRST_OFFSET/,
      ],
    },
    {
      command: 'producerConnection',
      args: { g: 'e2e_producer', t: topic },
      prints: [new RegExp(`^0001\\s+${clientId}\\s+127.0.0.1:\\d+\\s+JAVA\\s+V5_5_0`, 'm')],
    },
    {
      command: 'producer',
      args: { b },
      prints: [new RegExp(`producer group \\(e2e_producer\\) instance : clientId=${clientId}`)],
    },
    {
      command: 'brokerConsumeStats',
      args: { b },
      prints: [...perQueue((id) => [topic, group, name, id, 2, 2, 0]), /Diff Total: 0/],
    },
    { command: 'statsAll', args: { t: topic, a: '' }, prints: [row(topic, group, 0)] },
    { command: 'statsAll', args: {}, prints: [row(topic, group, 0), row('Other', 0)] },
  ]
}

export function brokerSteps({ target }: AdminPlace): AdminStep[] {
  const [b, c, name] = [target.brokerAddr, target.clusterName, target.brokerName]
  const version = 'V\\d_\\d+_\\d+'
  return [
    {
      command: 'updateBrokerConfig',
      args: { b, k: 'fileReservedTime', v: 71 },
      prints: [new RegExp(`update broker config success, ${b}`)],
    },
    {
      command: 'getBrokerConfig',
      args: { b },
      prints: [
        /fileReservedTime\s+=\s+71\b/,
        new RegExp(`brokerName\\s+=\\s+${name}`),
        new RegExp(`listenPort\\s+=\\s+${target.ports.broker}`),
        /flushDiskType\s+=\s+ASYNC_FLUSH/,
        /mappedFileSizeCommitLog\s+=\s+67108864/,
      ],
    },
    {
      command: 'brokerStatus',
      args: { b },
      prints: [
        /bootTimestamp\s*: \d{13}/,
        new RegExp(`brokerVersionDesc\\s*: ${version}`),
        /commitLogMaxOffset\s*: \d+/,
        /commitLogMinOffset\s*: 0/,
        /dispatchBehindBytes\s*: 0/,
        /earliestMessageTimeStamp\s*: \d{13}/,
        /msgPutTotalTodayNow\s*: \d+/,
        /putMessageTimesTotal\s*: \d+/,
        /putTps\s*: \d/,
        /getTotalTps\s*: \d/,
        /runtime\s*: \[ 0 days, 0 hours, \d+ minutes, \d+ seconds \]/,
        /sendThreadPoolQueueSize\s*: \d+/,
        /commitLogDiskRatio\s*: \d/,
      ],
    },
    {
      command: 'sendMsgStatus',
      args: { b: name, c: 3 },
      prints: [/(sendStatus=SEND_OK[\s\S]*){3}/],
    },
    { command: 'cleanExpiredCQ', args: { b }, prints: [/success/] },
    { command: 'deleteExpiredCommitLog', args: { b }, prints: [/success/] },
    { command: 'cleanUnusedTopic', args: { b }, prints: [/success/] },
    {
      command: 'clusterList',
      args: {},
      prints: [new RegExp(`^${c}\\s+${name}\\s+0\\s+${b}\\s+${version}\\s+\\d`, 'm')],
    },
    {
      command: 'clusterList',
      args: { m: '' },
      prints: [new RegExp(`^${c}\\s+${name}\\s+\\d+\\s+\\d+\\s+\\d+\\s+\\d+`, 'm')],
    },
    {
      command: 'clusterRT',
      // Repeats itself for ever.
      args: { c, a: 2, s: 16, i: 1, limitMs: 3000 },
      prints: [new RegExp(`^${c}\\s+${name}\\s+[\\d.]+\\s+2\\s+0`, 'm')],
    },
  ]
}

export function messageSteps(place: AdminPlace): AdminStep[] {
  return [...lookUpSteps(place), ...readAndSendSteps(place)]
}

function lookUpSteps(place: AdminPlace): AdminStep[] {
  const { target, topic, group, clientId, sent } = place
  const [b, name] = [target.brokerAddr, target.brokerName]
  const first = sent[0]
  const third = sent[3]
  if (first === undefined || third === undefined) throw new Error('the messages are missing')
  const shown = [
    row('Topic:', topic),
    /^Tags:\s+\[red\]/m,
    /^Keys:\s+\[k-0 k-all\]/m,
    row('Queue ID:', first.queueId),
    row('Queue Offset:', first.queueOffset),
    row('Reconsume Times:', 0),
    row('Store Host:', b),
    row('System Flag:', 0),
    new RegExp(`UNIQ_KEY=${first.msgId}`),
    new RegExp(`consumerGroup=${group}, trackType=CONSUMED`),
  ]
  const queue = { t: topic, b: name, i: first.queueId, o: first.queueOffset }
  return [
    {
      command: 'queryMsgById',
      args: { i: first.offsetMsgId, t: topic },
      prints: [row('OffsetID:', first.offsetMsgId), ...shown],
    },
    {
      command: 'queryMsgById',
      args: { i: first.offsetMsgId, t: topic, g: group, d: clientId },
      prints: [/consumeResult=CR_SUCCESS/],
    },
    { command: 'queryMsgByUniqueKey', args: { i: first.msgId, t: topic }, prints: shown },
    {
      command: 'queryMsgByKey',
      args: { t: topic, k: 'k-3' },
      prints: [row(third.msgId, third.queueId, third.queueOffset)],
    },
    {
      command: 'queryMsgByOffset',
      args: queue,
      prints: [row('OffsetID:', first.offsetMsgId), ...shown],
    },
  ]
}

function readAndSendSteps(place: AdminPlace): AdminStep[] {
  const { target, topic, sent } = place
  const [b, name] = [target.brokerAddr, target.brokerName]
  const first = sent[0]
  if (first === undefined) throw new Error('the messages are missing')
  return [
    {
      command: 'printMsg',
      args: { t: topic },
      prints: sent.map((one) => new RegExp(`MSGID: ${one.msgId} .*BODY: ${one.body}$`, 'm')),
    },
    {
      command: 'printMsgByQueue',
      args: { t: topic, a: name, i: 1, p: 'true', f: 'true' },
      prints: [/^Tag: red\s+Count: 2/m],
    },
    {
      command: 'consumeMessage',
      args: { t: topic, b: name, i: first.queueId, o: 0, c: 2 },
      prints: [/Consume ok/, new RegExp(`MSGID: ${first.msgId} `), /offset=2/],
    },
    {
      command: 'queryCq',
      args: { t: topic, q: first.queueId, i: 0, c: 2, b },
      prints: [/max: 2, min: 0/, /idx: 1/, /physicOffset=\d+, physicSize=\d+, tagsCode=112785/],
    },
    {
      command: 'sendMessage',
      args: { t: 'SendHere', p: 'hello', k: 'key', c: 'tag', b: name, i: 0 },
      prints: [new RegExp(`^${name}\\s+0\\s+SEND_OK`, 'm')],
    },
    {
      command: 'checkMsgSendRT',
      args: { t: 'SendHere', a: 5, s: 32 },
      prints: [new RegExp(`^${name}\\s+\\d+\\s+true\\s+\\d+`, 'm'), /Avg RT: [\d.]+/],
      never: [/\bfalse\b/],
    },
  ]
}

/** While the group's consumer is offline. */
export function offsetSteps(place: AdminPlace): AdminStep[] {
  const { target, topic, group } = place
  const name = target.brokerName
  const progress = (offset: number, lag: number): AdminStep => ({
    command: 'consumerProgress',
    args: { g: group },
    prints: [
      ...perQueue((id) => [topic, name, id, 2, offset, lag / 4]),
      new RegExp(`Consume Diff Total: ${lag}\\b`),
    ],
  })
  const common = { g: group, t: topic, f: 'true' }
  return [
    {
      command: 'cloneGroupOffset',
      args: { s: group, d: 'other_group', t: topic },
      prints: [/clone group offset success/],
    },
    {
      command: 'brokerConsumeStats',
      args: { b: target.brokerAddr },
      prints: perQueue((id) => [topic, 'other_group', name, id, 2, 2, 0]),
    },
    {
      command: 'resetOffsetByTime',
      args: { ...common, s: 0 },
      prints: perQueue((id) => [name, id, 0]),
    },
    progress(0, 8),
    {
      command: 'skipAccumulatedMessage',
      args: common,
      prints: perQueue((id) => [name, id, 2]),
    },
    progress(2, 0),
    {
      command: 'resetOffsetByTime',
      args: { ...common, s: -1 },
      prints: perQueue((id) => [name, id, 2]),
    },
  ]
}

export function namesrvSteps({ target, topic }: AdminPlace): AdminStep[] {
  const name = target.brokerName
  const write = new RegExp(`write perm of broker\\[${name}\\] in name server\\[.*\\] OK, \\d+`)
  const keyValue = { s: 'interop', k: 'key' }
  return [
    {
      command: 'updateKvConfig',
      args: { ...keyValue, v: 'value' },
      prints: [/kv config to namespace success/],
    },
    {
      command: 'deleteKvConfig',
      args: keyValue,
      prints: [/delete kv config from namespace success/],
    },
    { command: 'wipeWritePerm', args: { b: name }, prints: [write] },
    { command: 'topicRoute', args: { t: topic }, prints: [/"perm":\s*4/] },
    { command: 'addWritePerm', args: { b: name }, prints: [write] },
    { command: 'topicRoute', args: { t: topic }, prints: [/"perm":\s*6/] },
    {
      command: 'updateNamesrvConfig',
      args: { k: 'orderMessageEnable', v: 'true' },
      prints: [/update name server config success/],
    },
    {
      command: 'getNamesrvConfig',
      args: {},
      prints: [
        /orderMessageEnable\s+=\s+true/,
        new RegExp(`listenPort\\s+=\\s+${target.ports.namesrv}`),
      ],
    },
  ]
}

export function deletionSteps({ target, topic, group }: AdminPlace): AdminStep[] {
  const c = target.clusterName
  return [
    {
      command: 'deleteSubGroup',
      args: { c, g: group, r: 'true' },
      prints: [new RegExp(`delete subscription group \\[${group}\\] from broker`)],
    },
    {
      command: 'deleteTopic',
      args: { c, t: topic },
      prints: [
        new RegExp(`delete topic \\[${topic}\\] from cluster \\[${c}\\] success`),
        new RegExp(`delete topic \\[${topic}\\] from NameServer success`),
      ],
    },
    { command: 'topicRoute', args: { t: topic }, prints: [NOT_FOUND], never: [] },
  ]
}
