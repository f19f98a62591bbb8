/** One number with its labels, as the broker counts it. */
export interface MetricSample {
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  labels: Readonly<Record<string, string>>
  value: number
  /** Histogram: which series of the family this is (`_bucket`, `_sum`, `_count`). */
  suffix?: '_bucket' | '_sum' | '_count'
}

/** The Prometheus text format (version 0.0.4) of some samples; families in the order they first come. */
export function prometheusText(
  samples: Iterable<MetricSample>,
  common: Readonly<Record<string, string>>,
): string {
  const families = new Map<string, string[]>()
  for (const sample of samples) {
    let lines = families.get(sample.name)
    if (lines === undefined) {
      lines = [`# TYPE ${sample.name} ${sample.type}`]
      families.set(sample.name, lines)
    }
    lines.push(
      `${sample.name}${sample.suffix ?? ''}${labelText({ ...common, ...sample.labels })} ${sample.value}`,
    )
  }
  return `${[...families.values()].flat().join('\n')}\n`
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
