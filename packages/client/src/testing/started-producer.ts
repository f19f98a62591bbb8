import assert from 'node:assert/strict'
import { type ErrorCode, RocketMQError } from '../api/errors.ts'
import type { ProducerOptions } from '../api/options.ts'
import type { Producer } from '../producer/producer.ts'
import { startProducer } from '../producer/start-producer.ts'
import type { ClientInstance } from '../remote/client.ts'
import { ClientWorld } from './client-world.ts'

/** Brokers that run, the topic T with four queues on each, and a producer. */
export async function startedProducer(
  seed: number,
  options: { brokers?: number; producer?: ProducerOptions } = {},
): Promise<{ world: ClientWorld; client: ClientInstance; producer: Producer }> {
  const world = new ClientWorld(seed)
  await world.start(options.brokers ?? 1)
  const client = world.client(1)
  await world.createTopic(client, 'T')
  const producer = await world.settle(startProducer(client, options.producer ?? {}))
  return { world, client, producer }
}

/** For `assert.rejects`: the error has this code. */
export function hasCode(code: ErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof RocketMQError, String(error))
    assert.equal(error.code, code, error.message)
    return true
  }
}
