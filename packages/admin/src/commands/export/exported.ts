import type { AdminOption, CommandContext, CommandOutput, Problem, Row } from '../../command.ts'
import { outputToJson } from '../../output.ts'
import { writeJson } from '../shared/files.ts'
import { done, record } from '../shared/output.ts'

/** Without a folder the value is the output: mqadmin writes to a folder below /tmp then, which nobody asked for. */
export const FILE_PATH: AdminOption = {
  flags: '-f, --filePath <folder>',
  key: 'filePath',
  help: 'write a file into this folder; without it the JSON is the output',
}

/** A value written to a file of this name, or shown. */
export async function exported(
  context: Pick<CommandContext, 'files'>,
  value: Row,
  folder: string | undefined,
  fileName: string,
  problems: readonly Problem[],
): Promise<CommandOutput> {
  const output = record(value, { problems })
  if (folder === undefined) return output
  const path = `${folder.replace(/\/+$/, '')}/${fileName}`
  await writeJson(context, path, outputToJson(record(value)))
  return done(`exported to ${path}`, { path }, { problems })
}
