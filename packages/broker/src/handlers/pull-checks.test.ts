import { equal, match } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { PermName, RequestCode, ResponseCode } from '@apogee/protocol'
import type { RemotingClient } from '@apogee/remoting'
import { ForbiddenType } from '../client/pull-subscriptions.ts'
import { subscriptionGroup } from '../subscription/subscription-group-config.ts'
import { FORBIDDEN_READ_INDEX } from '../subscription/subscription-group-manager.ts'
import { BrokerWorld } from '../testing/broker-world.ts'
import { beatWith, type PullHeader, pullWith, sendWith, topicUpdate } from '../testing/requests.ts'

// Every check that Apache makes of a pull (PullMessageProcessor.processRequest), with its code, its forbiddenType and what
// the remark must say, in both header forms. One broker for all.
const world = new BrokerWorld(30_021)
const clients: RemotingClient[] = []

before(async () => {
  await world.start()
  clients.push(world.client('10.0.0.2', 0), world.client('10.0.0.3', 1))
  const client = clients[0]!
  for (const topic of ['orders', 'writeOnly', 'other']) await sendWith(world, client, { topic })
  const { groups, topics } = world.broker!.services!
  topics.update([topicUpdate('writeOnly', { perm: PermName.WRITE })])
  groups.update([
    subscriptionGroup('off', { consumeEnable: false }),
    subscriptionGroup('noBroadcast', { consumeBroadcastEnable: false }),
  ])
  await beatWith(world, client, { group: 'g', subVersion: 5 })
  await beatWith(world, client, { group: 'noBroadcast', messageModel: 'BROADCASTING' })
  await beatWith(world, client, { group: 'forbidden' })
  groups.setForbidden('forbidden', 'orders', FORBIDDEN_READ_INDEX, true)
  await beatWith(world, client, { group: 'sql', expression: 'a > 1', expressionType: 'SQL92' })
  await beatWith(world, client, { group: 'badSql', expression: 'a >', expressionType: 'SQL92' })
})

after(() => world.stop())

/** Without a subscription of its own. */
const OF_GROUP = { sysFlag: 0 }

interface Case {
  name: string
  header: Partial<PullHeader>
  code: number
  remark: RegExp
  forbidden?: number
}

const CASES: Case[] = [
  { name: 'good', header: {}, code: ResponseCode.SUCCESS, remark: /^FOUND$/ },
  {
    name: 'good, as the group says',
    header: { ...OF_GROUP, subVersion: 5 },
    code: ResponseCode.SUCCESS,
    remark: /^FOUND$/,
  },
  {
    name: 'a group that cannot be',
    header: { consumerGroup: 'g'.repeat(121) },
    code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
    remark: /^subscription group \[g+\] does not exist/,
  },
  {
    name: 'a group that is switched off',
    header: { consumerGroup: 'off' },
    code: ResponseCode.NO_PERMISSION,
    remark: /^subscription group no permission, off$/,
    forbidden: ForbiddenType.GROUP,
  },
  {
    name: 'an unknown topic',
    header: { topic: 'nowhere' },
    code: ResponseCode.TOPIC_NOT_EXIST,
    remark: /^topic\[nowhere\] not exist, apply first please!/,
  },
  {
    name: 'a topic that cannot be read',
    header: { topic: 'writeOnly' },
    code: ResponseCode.NO_PERMISSION,
    remark: /^the topic\[writeOnly\] pulling message is forbidden$/,
    forbidden: ForbiddenType.TOPIC,
  },
  ...[-1, 4, 2_147_483_647].map((queueId) => ({
    name: `queue ${queueId} of four`,
    header: { queueId },
    code: ResponseCode.INVALID_PARAMETER,
    remark: new RegExp(`^queueId\\[${queueId}\\] is illegal, topic:\\[orders\\].* consumer:\\[`),
  })),
  {
    name: 'an expression that is none',
    header: { subscription: 'a >', expressionType: 'SQL92' },
    code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
    remark: /^parse the consumer's subscription failed/,
  },
  {
    name: 'an unknown kind of expression',
    header: { subscription: 'x', expressionType: 'GROOVY' },
    code: ResponseCode.SUBSCRIPTION_PARSE_FAILED,
    remark: /GROOVY/,
  },
  {
    name: 'SQL92 on a broker without it',
    header: { subscription: 'a > 1', expressionType: 'SQL92' },
    code: ResponseCode.SYSTEM_ERROR,
    remark: /^The broker does not support consumer to filter message by SQL92$/,
  },
  {
    name: 'SQL92 of the group on a broker without it',
    header: { ...OF_GROUP, consumerGroup: 'sql' },
    code: ResponseCode.SYSTEM_ERROR,
    remark: /^The broker does not support consumer to filter message by SQL92$/,
  },
  {
    name: 'an expression of the group that is none',
    header: { ...OF_GROUP, consumerGroup: 'badSql' },
    code: ResponseCode.FILTER_DATA_NOT_EXIST,
    remark: /filter expression/,
  },
  {
    name: 'a group that is not online',
    header: { ...OF_GROUP, consumerGroup: 'nobody' },
    code: ResponseCode.SUBSCRIPTION_NOT_EXIST,
    remark: /^the consumer's group info not exist/,
  },
  {
    name: 'a topic that the group does not read',
    header: { ...OF_GROUP, topic: 'other' },
    code: ResponseCode.SUBSCRIPTION_NOT_EXIST,
    remark: /^the consumer's subscription not exist/,
  },
  {
    name: 'a newer subscription than the group has',
    header: { ...OF_GROUP, subVersion: 6 },
    code: ResponseCode.SUBSCRIPTION_NOT_LATEST,
    remark: /^the consumer's subscription not latest$/,
  },
  {
    name: 'broadcasting where it is switched off',
    header: { ...OF_GROUP, consumerGroup: 'noBroadcast' },
    code: ResponseCode.NO_PERMISSION,
    remark: /^the consumer group\[noBroadcast\] can not consume by broadcast way$/,
    forbidden: ForbiddenType.BROADCASTING_DISABLE,
  },
  {
    name: 'a topic that is forbidden to the group',
    header: { ...OF_GROUP, consumerGroup: 'forbidden' },
    code: ResponseCode.NO_PERMISSION,
    remark: /^the consumer group\[forbidden\] is forbidden for topic\[orders\]$/,
    forbidden: ForbiddenType.SUBSCRIPTION,
  },
]

for (const { name, header, code, remark, forbidden } of CASES) {
  test(`pull: ${name}`, async () => {
    for (const client of clients) {
      for (const request of [RequestCode.PULL_MESSAGE, RequestCode.LITE_PULL_MESSAGE]) {
        const answer = await pullWith(world, client, header, request)
        equal(answer.code, code, answer.remark ?? '')
        match(answer.remark ?? '', remark)
        equal(answer.fields.get('forbiddenType'), forbidden?.toString())
        equal(answer.fields.get('suggestWhichBrokerId'), '0')
      }
    }
  })
}

async function withConfig(key: string, value: string, run: () => Promise<void>): Promise<void> {
  const { config } = world.broker!
  const before = String(config.dump().get(key))
  equal(config.update(new Map([[key, value]])).length, 0)
  await run()
  config.update(new Map([[key, before]]))
}

test('a broker that must not be read from refuses all pulls', async () => {
  await withConfig('brokerPermission', '2', async () => {
    const answer = await pullWith(world, clients[0]!, {})
    equal(answer.code, ResponseCode.NO_PERMISSION)
    equal(answer.remark, 'the broker[10.0.0.1] pulling message is forbidden')
    equal(answer.fields.get('forbiddenType'), String(ForbiddenType.BROKER))
  })
})

test('lite pulls can be switched off', async () => {
  await withConfig('litePullMessageEnable', 'false', async () => {
    const refused = await pullWith(world, clients[0]!, {}, RequestCode.LITE_PULL_MESSAGE)
    equal(refused.code, ResponseCode.NO_PERMISSION)
    equal(refused.remark, 'the broker[10.0.0.1] for lite pull consumer is forbidden')
    equal((await pullWith(world, clients[0]!, {})).code, ResponseCode.SUCCESS)
  })
})

test('pull consumers can be refused: those that are no members, but for the tools', async () => {
  const [member, stranger] = [clients[0]!, clients[1]!]
  await beatWith(world, member, { group: 'active', consumeType: 'CONSUME_ACTIVELY' })
  await withConfig('rejectPullConsumerEnable', 'true', async () => {
    const code = async (client: RemotingClient, consumerGroup: string): Promise<number> =>
      (await pullWith(world, client, { consumerGroup })).code
    equal(await code(stranger, 'nobody'), ResponseCode.SUBSCRIPTION_NOT_EXIST)
    equal(await code(stranger, 'active'), ResponseCode.SUBSCRIPTION_NOT_EXIST)
    equal(await code(member, 'active'), ResponseCode.SUCCESS)
    equal(await code(stranger, 'g'), ResponseCode.SUCCESS)
    equal(await code(stranger, 'TOOLS_CONSUMER'), ResponseCode.SUCCESS)
    equal(await code(stranger, 'CID_RMQ_SYS_x'), ResponseCode.SUCCESS)
  })
})

test('a group is made by its first pull only where that is allowed', async () => {
  await withConfig('autoCreateSubscriptionGroup', 'false', async () => {
    const answer = await pullWith(world, clients[0]!, { consumerGroup: 'newGroup' })
    equal(answer.code, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST)
  })
  equal((await pullWith(world, clients[0]!, { consumerGroup: 'newGroup' })).code, 0)
})
