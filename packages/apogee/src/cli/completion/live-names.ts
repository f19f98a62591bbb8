import type { Admin } from '@apogee/admin'
import { contextFilePath, loadContexts } from '../context/context-file.ts'
import { openAdmin } from '../context/open-admin.ts'
import type { CliIo } from '../io.ts'

export type NameKind = 'topic' | 'group' | 'context' | 'cluster' | 'broker'

/** Who presses Tab does not wait longer. */
const TIMEOUT = '1s'
const NAMES_MAX = 5_000

export function contextNames({ environment }: CliIo): string[] {
  return Object.keys(loadContexts(contextFilePath(environment)).contexts)
}

/** Names that a cluster knows: of the one that `words` name by -n or --context, else the usual one. */
export async function liveNames(
  kind: NameKind,
  words: readonly string[],
  io: CliIo,
  signal: AbortSignal,
): Promise<string[]> {
  const namesrvAddr = optionValue(words, '-n', '--namesrvAddr')
  const context = optionValue(words, '--context')
  const flags = {
    timeout: TIMEOUT,
    ...(namesrvAddr === undefined ? {} : { namesrvAddr }),
    ...(context === undefined ? {} : { context }),
  }
  const admin = await openAdmin(flags, io.environment)
  const quit = (): void => void admin.close()
  signal.addEventListener('abort', quit)
  try {
    return (await ask(admin, kind)).slice(0, NAMES_MAX)
  } finally {
    signal.removeEventListener('abort', quit)
    await admin.close()
  }
}

async function ask(admin: Admin, kind: NameKind): Promise<string[]> {
  switch (kind) {
    case 'topic':
      return (await admin.topics.list()).results
        .filter(({ kind }) => kind === 'normal')
        .map(({ topic }) => topic)
    case 'group': {
      const { results } = await admin.groups.list()
      return results.filter(({ isSystem }) => !isSystem).map(({ group }) => group)
    }
    case 'cluster':
      return [...new Set((await admin.cluster.brokers()).map(({ clusterName }) => clusterName))]
    case 'broker':
      return [...new Set((await admin.cluster.brokers()).map(({ brokerName }) => brokerName))]
    case 'context':
      return []
  }
}

/** Of an option somewhere in the words; the word being typed has no value yet. */
function optionValue(words: readonly string[], ...names: readonly string[]): string | undefined {
  for (const [place, word] of words.entries()) {
    if (names.includes(word)) return words[place + 1] || undefined
    const long = names.find((name) => name.startsWith('--') && word.startsWith(`${name}=`))
    if (long !== undefined) return word.slice(long.length + 1) || undefined
  }
  return undefined
}
