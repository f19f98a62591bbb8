/** One number with its labels. A histogram is several: `…_bucket` with label `le` (cumulative), `…_sum` and `…_count`. */
export interface MetricSample {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The Prometheus text format (version 0.0.4) of some samples; families in the order they first come. */
export function prometheusText(samples: Iterable<MetricSample>): string {
  const families = new Map<string, string[]>()
  for (const sample of samples) {
    const family =
      sample.type === 'histogram' ? sample.name.replace(HISTOGRAM_SUFFIX, '') : sample.name
    let lines = families.get(family)
    if (lines === undefined) {
      lines = [`# TYPE ${family} ${sample.type}`]
      families.set(family, lines)
    }
    lines.push(`${sample.name}${labelText(sample.labels)} ${sample.value}`)
  }
  return `${[...families.values()].flat().join('\n')}\n`
}

const HISTOGRAM_SUFFIX = /_(bucket|sum|count)$/

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
