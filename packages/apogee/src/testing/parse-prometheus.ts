import { equal, ok } from 'node:assert/strict'

export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

export interface Family {
  type: string
  samples: Sample[]
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/y

/** Reads the Prometheus text format strictly; fails on what a scraper would reject, histograms included. */
export function parsePrometheus(text: string): Map<string, Family> {
  ok(text.endsWith('\n'), 'ends with a line break')
  const families = new Map<string, Family>()
  for (const line of text.trimEnd().split('\n')) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line)
    if (type !== null) {
      ok(!families.has(type[1]!), `one TYPE line for ${type[1]}`)
      families.set(type[1]!, { type: type[2]!, samples: [] })
      continue
    }
    const sample = parseSample(line)
    const base = sample.name.replace(/_(bucket|sum|count)$/, '')
    const family = families.get(sample.name) ?? families.get(base)
    ok(family !== undefined, `a family for ${line}`)
    family.samples.push(sample)
  }
  for (const [name, family] of families)
    if (family.type === 'histogram') checkHistogram(name, family)
  return families
}

function parseSample(line: string): Sample {
  const parts = SAMPLE.exec(line)
  ok(parts !== null, `a sample: ${line}`)
  const [, name, text = '', value] = parts
  ok(value === '+Inf' || !Number.isNaN(Number(value)), `a number: ${line}`)
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < text.length) {
    const label = LABEL.exec(text)
    ok(label !== null, `labels: ${line}`)
    labels[label[1]!] = label[2]!
  }
  return { name: name!, labels, value: Number(value) }
}

/** Buckets only grow, the last one is +Inf and equals the count. */
function checkHistogram(name: string, { samples }: Family): void {
  const byLabels = new Map<string, Sample[]>()
  for (const sample of samples) {
    const { le: _, ...rest } = sample.labels
    const key = JSON.stringify(rest)
    byLabels.set(key, [...(byLabels.get(key) ?? []), sample])
  }
  for (const [key, series] of byLabels) {
    const buckets = series.filter((sample) => sample.name === `${name}_bucket`)
    const counts = buckets.map(({ value }) => value)
    ok(
      counts.every((count, place) => place === 0 || count >= counts[place - 1]!),
      `${name} ${key}`,
    )
    equal(buckets.at(-1)?.labels['le'], '+Inf', name)
    equal(series.find((sample) => sample.name === `${name}_count`)?.value, counts.at(-1), name)
    ok(
      series.some((sample) => sample.name === `${name}_sum`),
      name,
    )
  }
}
