// What a user of the client sees, against INTEROP_TARGET. Both products pass the same scenarios; where they differ,
// differences.ts says how and why.
import { after, before, describe, it } from 'node:test'
import { temporaryFolder } from '../../harness/processes.ts'
import { endTarget, startTarget } from '../../harness/start-target.ts'
import { chosenTarget, type Target } from '../../harness/target.ts'
import { broadcasting } from './broadcasting.ts'
import { consumption } from './consumption.ts'
import { conveniences } from './conveniences.ts'
import { explicit } from './explicit.ts'
import { offsets } from './offsets.ts'
import { ordered } from './ordered.ts'
import { refusals } from './refusals.ts'
import { requests } from './requests.ts'
import { retries } from './retries.ts'
import { BehaviourContext } from './scenario.ts'
import { sends } from './sends.ts'
import { traces } from './traces.ts'
import { transactions } from './transactions.ts'

const behaviours = [
  ...sends,
  ...consumption,
  ...ordered,
  ...broadcasting,
  ...explicit,
  ...retries,
  ...transactions,
  ...requests,
  ...offsets,
  ...traces,
  ...refusals,
  ...conveniences,
]

const brokerConf = {
  traceTopicEnable: true,
  // Checks of a test take seconds, not minutes.
  transactionCheckInterval: 1000,
  transactionTimeOut: 1000,
  // Apache's broker would ask again about what is decided but not written yet.
  transactionOpBatchInterval: 100,
}

describe(`behaviour of the client with ${chosenTarget()}`, { concurrency: 4 }, () => {
  const dir = temporaryFolder('behaviour')
  let target: Target

  before(async () => {
    target = await startTarget({ dir, brokerConf })
  })
  after(async () => {
    await endTarget(target)
  })

  for (const [index, behaviour] of behaviours.entries()) {
    it(behaviour.name, { timeout: 90_000 }, async () => {
      const context = new BehaviourContext(target, `Behaviour${index}`)
      try {
        await behaviour.run(context)
      } finally {
        await context.end()
      }
    })
  }
})
