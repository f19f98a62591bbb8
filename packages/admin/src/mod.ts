export { AdminError, AdminErrorCode, type AdminErrorDetails } from './admin-error.ts'
export {
  type AdminArgument,
  type AdminCommand,
  type AdminOption,
  type Column,
  type CommandContext,
  type CommandFiles,
  type CommandOutput,
  command,
  type DoneOutput,
  isStream,
  type OptionType,
  type OptionValue,
  type OptionValues,
  type Problem,
  type RecordOutput,
  type Row,
  type TableOutput,
} from './command.ts'
export { readOptions, readTime } from './options.ts'
