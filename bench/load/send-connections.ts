// The producers of a load program, as its options say.
import type { LoadOptions } from './options.ts'
import { SendConnection, type SendListener } from './send-connection.ts'
import { sendTemplates } from './send-templates.ts'

/** Not open yet. Each takes its own share of the topics and queues. */
export function sendConnections(
  options: LoadOptions,
  listener: SendListener,
  more: { stampBodies?: boolean } = {},
): SendConnection[] {
  const { host, port, form, topic, topics, queues, bodySize, inFlight } = options
  const templates = sendTemplates({ topicPrefix: topic, topics, queues, bodySize, form })
  const body = Buffer.alloc(bodySize, 'x')
  const templateStep = options.connections
  const common = { host, port, form, templates, body, inFlightMax: inFlight, templateStep, ...more }
  return Array.from(
    { length: templateStep },
    (_, templateStart) => new SendConnection({ ...common, templateStart }, listener),
  )
}
