import type { Command } from 'commander'
import { examples } from '../../commands/options.ts'
import { addOutputOptions, type OutputFlags } from '../output/output-options.ts'
import type { Session } from '../session.ts'

export interface ContextAddFlags {
  readonly namesrvAddr: string
  readonly description?: string
  readonly accessKey?: string
  readonly secretKeyFile?: string
  readonly securityToken?: string
  readonly namespace?: string
  readonly tls?: boolean
  readonly tlsCa?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  /** False with --no-tls-verify. */
  readonly tlsVerify: boolean
  readonly replace?: boolean
  readonly use?: boolean
}

/** `apogee context add|list|use|show|remove`. */
export function addContextCommand(program: Command, session: Session): void {
  const context = program
    .command('context')
    .description('named connections: NameServers, keys, TLS')
    .addHelpText(
      'after',
      `${examples('apogee context add prod -n ns1:9876;ns2:9876', 'apogee context use prod', 'apogee topic list --context staging')}
Which NameServers a command asks: -n, else --context, else NAMESRV_ADDR, else
APOGEE_CONTEXT, else the context in use, else 127.0.0.1:9876.
`,
    )
  addAdd(context, session)
  addList(context, session)
  addUse(context, session)
  addShow(context, session)
  addRemove(context, session)
}

function addAdd(context: Command, session: Session): void {
  context
    .command('add')
    .argument('<name>', 'letters, digits, dots, dashes')
    .description('add a context')
    .requiredOption('-n, --namesrvAddr <addresses>', 'NameServers, host:port, ; between')
    .option('--description <text>', 'what it is, for the list')
    .option('--access-key <key>', 'signs requests; the secret key is asked for, or read')
    .option('--secret-key-file <file>', 'file with the secret key; - is standard input')
    .option('--security-token <token>', 'of temporary keys')
    .option('--namespace <name>', 'prefix of topics and groups of send, consume and tail')
    .option('--tls', 'connect with TLS, trusting what the system trusts')
    .option('--tls-ca <file>', 'connect with TLS, trusting these certificates (PEM)')
    .option('--tls-cert <file>', 'own certificate (PEM)')
    .option('--tls-key <file>', 'its key (PEM)')
    .option('--no-tls-verify', 'take any certificate of the servers')
    .option('--replace', 'take the place of one with the same name')
    .option('--use', 'use it from now on; the first one added is used anyway')
    .addHelpText(
      'after',
      examples(
        'apogee context add dev -n 127.0.0.1:9876',
        'apogee context add prod -n ns1:9876 --access-key app \\',
        '  --secret-key-file secret.txt --tls-ca ca.pem --use',
      ),
    )
    .action((name: string, flags: ContextAddFlags) =>
      session.perform(async () => {
        const { addContext } = await import('./context-actions.ts')
        return await addContext(session.io, name, flags)
      }),
    )
}

function addList(context: Command, session: Session): void {
  const list = context.command('list').description('show all contexts')
  addOutputOptions(list)
    .addHelpText('after', examples('apogee context list', 'apogee context list -o name'))
    .action((flags: OutputFlags) =>
      session.perform(async () => {
        const { listContexts } = await import('./context-actions.ts')
        return await listContexts(session.io, flags)
      }),
    )
}

function addUse(context: Command, session: Session): void {
  context
    .command('use')
    .argument('<name>', 'name of a context')
    .description('use a context when nothing else is said')
    .addHelpText('after', examples('apogee context use prod'))
    .action((name: string) =>
      session.perform(async () => {
        const { takeContext } = await import('./context-actions.ts')
        return await takeContext(session.io, name)
      }),
    )
}

function addShow(context: Command, session: Session): void {
  const show = context
    .command('show')
    .argument('[name]', 'name of a context; without it, the one in use')
    .description('show one context and where its file is; secrets stay hidden')
    .option('--show-secrets', 'show the secret key too')
  addOutputOptions(show)
    .addHelpText('after', examples('apogee context show', 'apogee context show prod -o json'))
    .action((name: string | undefined, flags: OutputFlags & { showSecrets?: boolean }) =>
      session.perform(async () => {
        const { showContext } = await import('./context-actions.ts')
        return await showContext(session.io, name ?? null, flags)
      }),
    )
}

function addRemove(context: Command, session: Session): void {
  context
    .command('remove')
    .argument('<name>', 'name of a context')
    .description('forget a context, with its keys')
    .addHelpText('after', examples('apogee context remove old'))
    .action((name: string) =>
      session.perform(async () => {
        const { removeContext } = await import('./context-actions.ts')
        return await removeContext(session.io, name)
      }),
    )
}
