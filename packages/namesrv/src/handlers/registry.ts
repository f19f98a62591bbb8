import { HandlerRegistry } from '@apogee/remoting'
import { brokerHandlers } from './broker-handlers.ts'
import { configHandlers } from './config-handlers.ts'
import { kvHandlers } from './kv-handlers.ts'
import { routeHandlers } from './route-handlers.ts'
import type { NamesrvServices } from './services.ts'
import { topicHandlers } from './topic-handlers.ts'
import { writePermHandlers } from './write-perm-handlers.ts'

/** Every request code of a NameServer. */
export function namesrvRegistry(services: NamesrvServices): HandlerRegistry {
  return new HandlerRegistry().add(
    ...kvHandlers(services),
    ...brokerHandlers(services),
    ...routeHandlers(services),
    ...topicHandlers(services),
    ...writePermHandlers(services),
    ...configHandlers(services),
  )
}
