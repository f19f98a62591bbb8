// Everything that one broker shows of a topic, over a plain socket: a slave is asked as a master is.
import { codes, type Fields, RawClient } from '../harness/raw-client.ts'
import { parseRecords } from '../harness/records.ts'

const PULL_SUBSCRIPTION = 4
const FOUND = 0

/** `queueId/queueOffset body` of each message, from the first offset of each queue to its end. */
export async function readTopic(
  address: string,
  topic: string,
  queues: number,
): Promise<Set<string>> {
  const client = await RawClient.connect(address)
  const places = new Set<string>()
  try {
    for (let queueId = 0; queueId < queues; queueId++) {
      const [min, max] = [codes.minOffset, codes.maxOffset].map(async (code) => {
        const answer = await client.request(code, { topic, queueId })
        if (answer.code !== 0) throw new Error(`queue ${queueId}: ${answer.code} ${answer.remark}`)
        return Number(answer.fields['offset'])
      })
      const end = (await max) ?? 0
      for (let offset = (await min) ?? 0; offset < end; ) {
        const frame = await client.request(codes.pullMessage, pullFields(topic, queueId, offset))
        if (frame.code !== FOUND) {
          throw new Error(`queue ${queueId} at ${offset} of ${end}: ${frame.code} ${frame.remark}`)
        }
        for (const { queueOffset, body } of parseRecords(frame.body)) {
          places.add(`${queueId}/${queueOffset} ${body.toString()}`)
        }
        offset = Number(frame.fields['nextBeginOffset'])
      }
    }
    return places
  } finally {
    client.close()
  }
}

function pullFields(topic: string, queueId: number, queueOffset: number): Fields {
  const names = { consumerGroup: 'read_topic', topic, queueId, queueOffset, maxMsgNums: 32 }
  const subscription = { subscription: '*', subVersion: 0, expressionType: 'TAG' }
  const waits = { sysFlag: PULL_SUBSCRIPTION, commitOffset: 0, suspendTimeoutMillis: 0 }
  return { ...names, ...waits, ...subscription }
}
