import type { MetricSample } from '../http/prometheus-text.ts'

/** The process itself, under the names that Prometheus libraries use. */
export function processSamples(version: string): MetricSample[] {
  const memory = process.memoryUsage()
  const { system, user } = process.cpuUsage()
  const startedSeconds = (Date.now() - performance.now()) / 1000
  return [
    { ...gauge('apogee_build_info', 1), labels: { version, node: process.version } },
    gauge('process_start_time_seconds', startedSeconds),
    gauge('process_resident_memory_bytes', memory.rss),
    gauge('nodejs_heap_size_used_bytes', memory.heapUsed),
    gauge('nodejs_external_memory_bytes', memory.external),
    { ...gauge('process_cpu_seconds_total', (user + system) / 1e6), type: 'counter' },
  ]
}

function gauge(name: string, value: number): MetricSample {
  return { name, type: 'gauge', labels: {}, value }
}
