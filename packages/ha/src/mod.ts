export type {
  HaCommonOptions,
  HaIdentity,
  HaMasterOptions,
  HaProtocol,
  HaSlaveOptions,
} from './ha-options.ts'
export type { HaPeerStatus, HaSlaveState, HaSlaveStatus } from './ha-status.ts'
