export {
  type NamesrvConfig,
  type NamesrvConfigKey,
  type NamesrvConfigType,
  type NamesrvConfigValue,
  namesrvConfigDefaults,
  namesrvConfigTable,
} from './config/config-table.ts'
export { parseNamesrvValue } from './config/namesrv-settings.ts'
export { NameServer, type NameServerDeps } from './name-server.ts'
