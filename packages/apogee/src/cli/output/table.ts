import Table from 'cli-table3'

export interface TableColumn {
  readonly title: string
  readonly align: 'left' | 'right'
}

export interface TableLayout {
  readonly hasHeaders: boolean
  /** Lines are made to fit, where there is a terminal; null: as long as they are. */
  readonly columns: number | null
  /** Makes the first line stand out. */
  readonly styleHeader: (text: string) => string
}

const GAP = 2
/** A column is not made narrower than this. */
const WIDTH_MIN = 8
const NO_BORDERS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
} as const

/** Borderless, two spaces between; wide characters count twice. On a terminal the widest columns give way. */
export function tableText(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  layout: TableLayout,
): string {
  const lines = layout.hasHeaders ? [columns.map(({ title }) => title), ...rows] : [...rows]
  if (lines.length === 0) return ''
  const natural = lay(columns, lines, [])
  const total = natural.widths.reduce((sum, width) => sum + width, 0) - GAP
  const isTooWide = layout.columns !== null && total > layout.columns
  const { text } = isTooWide
    ? lay(columns, lines, narrowed(natural.widths, layout.columns!))
    : natural
  const trimmed = text.split('\n').map((line) => line.trimEnd())
  if (layout.hasHeaders) trimmed[0] = layout.styleHeader(trimmed[0]!)
  return `${trimmed.join('\n')}\n`
}

function lay(
  columns: readonly TableColumn[],
  lines: readonly (readonly string[])[],
  widths: number[],
): { text: string; widths: number[] } {
  const table = new Table({
    chars: NO_BORDERS,
    style: { 'padding-left': 0, 'padding-right': GAP, head: [], border: [], compact: true },
    colAligns: columns.map(({ align }) => align),
    colWidths: widths,
  })
  table.push(...lines.map((line) => [...line]))
  const text = table.toString()
  return { text, widths: table.options.colWidths as number[] }
}

/** Widths that fit: the widest column loses first, down to WIDTH_MIN. */
function narrowed(widths: readonly number[], columns: number): number[] {
  const result = [...widths]
  let excess = result.reduce((sum, width) => sum + width, 0) - GAP - columns
  while (excess > 0) {
    const widest = result.indexOf(Math.max(...result))
    if (result[widest]! <= WIDTH_MIN + GAP) break
    const second = Math.max(WIDTH_MIN + GAP, ...result.filter((_, place) => place !== widest))
    const loss = Math.min(excess, Math.max(1, result[widest]! - second))
    result[widest]! -= loss
    excess -= loss
  }
  return result
}
