export type { HaDeps, HaLogger } from './ha-deps.ts'
export { HaMaster } from './ha-master.ts'
export type {
  HaCommonOptions,
  HaIdentity,
  HaMasterOptions,
  HaProtocol,
  HaSlaveOptions,
} from './ha-options.ts'
export { HaSlave, type HaSlaveDeps, type HaTarget } from './ha-slave.ts'
export type { HaPeerStatus, HaSlaveState, HaSlaveStatus } from './ha-status.ts'
