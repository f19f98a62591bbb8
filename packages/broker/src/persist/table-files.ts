import type { TableFile } from './table-file.ts'

/** The files of a broker's tables: config/*.json. */
export interface TableFiles {
  readonly topics: TableFile
  readonly deletedTopics: TableFile
  readonly groups: TableFile
  readonly offsets: TableFile
  readonly delays: TableFile
  readonly slaveOffsets: TableFile
}
