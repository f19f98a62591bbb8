// Unmodified Java clients, 5.5.0 with both header forms and 4.9.8, against INTEROP_TARGET.
import { after, before, describe, it } from 'node:test'
import { rocketmqVersions } from '../harness/builds.ts'
import type { ClientProgram } from '../harness/client-program.ts'
import { startJavaClient } from '../harness/java-client.ts'
import { temporaryFolder } from '../harness/processes.ts'
import { endTarget, startTarget } from '../harness/start-target.ts'
import { chosenTarget, type Target } from '../harness/target.ts'
import { consumeScenarios } from './consume-scenarios.ts'
import { sendScenarios } from './send-scenarios.ts'
import { transactionConf, transactionScenarios } from './transaction-scenarios.ts'

const clients = [
  { version: rocketmqVersions.current, serializeType: 'JSON' },
  { version: rocketmqVersions.current, serializeType: 'ROCKETMQ' },
  { version: rocketmqVersions.last4, serializeType: 'JSON' },
] as const

describe(`Java clients with ${chosenTarget()}`, () => {
  const dir = temporaryFolder('java')
  let target: Target
  let counter = 0

  before(async () => {
    target = await startTarget({ dir, brokerConf: transactionConf })
  })
  after(async () => {
    await endTarget(target)
  })

  for (const [number, { version, serializeType }] of clients.entries()) {
    describe(`${version} ${serializeType}`, { concurrency: 4 }, () => {
      let client: ClientProgram
      before(async () => {
        const namesrvAddr = target.namesrvAddr
        client = await startJavaClient({ version, serializeType, namesrvAddr, dir })
      })
      after(async () => {
        await client.stop()
      })
      for (const scenario of [...sendScenarios, ...consumeScenarios, ...transactionScenarios]) {
        it(scenario.name, { timeout: 90_000 }, async () => {
          const topic = `Java${number}Topic${++counter}`
          await scenario.run({ client, target, topic, unique: () => ++counter })
        })
      }
    })
  }
})
