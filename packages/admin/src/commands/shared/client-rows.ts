import type { Column, Row } from '../../command.ts'
import type { ConnectedClient } from '../../operations/client-operations.ts'
import { column, wide } from './columns.ts'
import { versionName } from './version-name.ts'

/** Clients that are connected to brokers. */
export const CLIENT_COLUMNS: readonly Column[] = [
  column('clientId', 'CLIENT'),
  column('clientAddr', 'ADDRESS'),
  column('language', 'LANGUAGE'),
  column('version', 'VERSION'),
  ...wide(column('brokers', 'BROKERS')),
]

export function clientRow({
  clientId,
  clientAddr,
  language,
  version,
  brokers,
}: ConnectedClient): Row {
  return { clientId, clientAddr, language, version: versionName(version), brokers }
}
