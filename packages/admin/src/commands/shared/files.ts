import { isMalformed } from '@apogee/base'
import { type BodyCodec, type JsonValue, parseFastjson } from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../../admin-error.ts'
import type { CommandContext } from '../../command.ts'

/** The longest file that is read. */
const FILE_MAX_BYTES = 64 * 1024 * 1024

/** A list of JSON objects from a file. Throws ADMIN_FILE with the place of what is wrong. */
export async function readJsonList<T>(
  { files }: Pick<CommandContext, 'files'>,
  path: string,
  codec: BodyCodec<T>,
): Promise<T[]> {
  if (files === undefined) throw failed('files cannot be read here')
  let bytes: Uint8Array
  try {
    bytes = await files.read(path)
  } catch (cause) {
    throw failed(`${path} cannot be read: ${messageOf(cause)}`, cause)
  }
  if (bytes.length > FILE_MAX_BYTES) throw failed(`${path} is longer than ${FILE_MAX_BYTES} bytes`)
  const value = parseFastjson(bytes)
  if (isMalformed(value)) throw failed(`${path}: ${value.detail}`)
  if (!Array.isArray(value)) throw failed(`${path} holds no JSON list`)
  return value.map((item: JsonValue, index) => {
    const read = codec.decode(item, `$[${index}]`)
    if (isMalformed(read)) throw failed(`${path}: ${read.detail}`)
    return read
  })
}

/** Writes JSON to a file; `path` is what the user named. Throws ADMIN_FILE. */
export async function writeJson(
  { files }: Pick<CommandContext, 'files'>,
  path: string,
  value: unknown,
): Promise<void> {
  if (files === undefined) throw failed('files cannot be written here')
  try {
    await files.write(path, Buffer.from(`${JSON.stringify(value, null, 2)}\n`))
  } catch (cause) {
    throw failed(`${path} cannot be written: ${messageOf(cause)}`, cause)
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

function failed(message: string, cause?: unknown): AdminError {
  return new AdminError(AdminErrorCode.FILE, message, { cause })
}
