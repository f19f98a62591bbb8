export {
  type NamesrvConfig,
  type NamesrvConfigKey,
  type NamesrvConfigType,
  type NamesrvConfigValue,
  namesrvConfigDefaults,
  namesrvConfigTable,
} from './config/config-table.ts'
export { editProperties } from './config/edit-properties.ts'
export { parseNamesrvValue } from './config/namesrv-settings.ts'
export { SettingsFile } from './config/settings-file.ts'
export { NameServer, type NameServerDeps } from './name-server.ts'
