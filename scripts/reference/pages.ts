// The model as Markdown.
import { AREAS, areaOf } from './areas.ts'
import { type Documented, type Member, splitDefault } from './model.ts'

/** A public name and the packages that export it. */
export interface PublicName {
  readonly documented: Documented
  readonly packages: readonly string[]
}

const GENERATED = '<!-- Generated from the docstrings by `npm run reference`: edit those. -->'

/** File name in docs/reference → text. */
export function referencePages(names: readonly PublicName[]): Map<string, string> {
  const pages = new Map<string, string>()
  const lists: string[] = []
  for (const area of AREAS) {
    const own = names.filter(
      ({ documented, packages }) => areaOf(documented.name, packages) === area,
    )
    if (own.length === 0) continue
    const sections = own.map(section)
    pages.set(
      `${area.page}.md`,
      `${GENERATED}\n\n# ${area.title}\n\n${area.intro}\n\n${sections.join('\n\n')}\n`,
    )
    const rows = own.map(({ documented }) => indexRow(area.page, documented))
    lists.push(
      `## ${area.title}\n\n${area.intro}\n\n| name | what |\n|---|---|\n${rows.join('\n')}`,
    )
  }
  const intro =
    'Every name that `@apogee/client` exports, and `apogee` with it; what only `apogee` has comes last.'
  const guide = 'The [guide](../guide/README.md) goes by tasks.'
  pages.set(
    'README.md',
    `${GENERATED}\n\n# Reference\n\n${intro}\n${guide}\n\n${lists.join('\n\n')}\n`,
  )
  return pages
}

function indexRow(page: string, { name, doc }: Documented): string {
  const summary = firstSentence(doc)
  return `| [\`${name}\`](${page}.md#${name.toLowerCase()}) | ${cell(summary)} |`
}

function firstSentence(doc: string): string {
  const text = doc.replace(/\s+/g, ' ').trim()
  return /^.*?[.:](?=\s|$)/.exec(text)?.[0]?.replace(/:$/, '.') ?? text
}

function section({ documented }: PublicName): string {
  const { name, kind, signature, doc, members } = documented
  const parts = [`## ${name}`, fenced(signature), doc]
  if (kind === 'class') parts.push(...classMembers(members))
  else if (kind === 'value') parts.push(...table(members, 'value'))
  else if (kind === 'interface') parts.push(...table(members, 'type'))
  return parts.filter((part) => part !== '').join('\n\n')
}

function classMembers(members: readonly Member[]): string[] {
  const properties = members.filter(({ kind }) => kind === 'property')
  const groups = Map.groupBy(
    members.filter(({ kind }) => kind !== 'property'),
    ({ name }) => name,
  )
  const calls = [...groups].map(([name, overloads]) => {
    const title = name === 'constructor' ? 'constructor' : `${name}()`
    const docs = [...new Set(overloads.map(({ doc }) => doc))].filter((doc) => doc !== '')
    const text = fenced(overloads.map(({ signature }) => signature).join('\n'))
    return [`### ${title}`, text, ...docs].join('\n\n')
  })
  return [...table(properties, 'type'), ...calls]
}

/** Columns that nothing fills are left out. */
function table(members: readonly Member[], typeTitle: string): string[] {
  if (members.length === 0) return []
  const rows = members.map((member) => ({ member, ...splitDefault(member.doc) }))
  const hasDefaults = rows.some(({ value }) => value !== null)
  const titles = ['name', typeTitle, ...(hasDefaults ? ['default'] : []), 'meaning']
  const head = `| ${titles.join(' | ')} |\n|${'---|'.repeat(titles.length)}`
  const lines = rows.map(({ member, text, value }) => {
    const { name, optional, type } = member
    const shown = [`\`${name}${optional ? '?' : ''}\``, code(type)]
    if (hasDefaults) shown.push(value === null ? '' : cell(value))
    return `| ${[...shown, cell(text)].join(' | ')} |`
  })
  return [`${head}\n${lines.join('\n')}`]
}

function fenced(text: string): string {
  return `\`\`\`ts\n${text}\n\`\`\``
}

function code(text: string): string {
  return `\`${cell(text)}\``
}

/** Text that stays in its cell. */
function cell(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('|', '\\|').trim()
}
