// Starts and closes clusters one after another; prints how long a start took, the first with the import before it.
//   start-clusters.ts COUNT MODULE
const importedMs = performance.now()
const { startCluster } = (await import(process.argv[3] ?? 'apogee')) as typeof import('apogee')
const importMs = performance.now() - importedMs
const times: number[] = []
for (let index = 0; index < Number(process.argv[2]); index++) {
  const startedMs = performance.now()
  const cluster = await startCluster()
  times.push(performance.now() - startedMs)
  await cluster.close()
}
const firstMs = times[0] ?? 0
const sorted = times.toSorted((a, b) => a - b)
const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0
console.log(JSON.stringify({ importMs, firstMs, p50Ms: at(0.5), p95Ms: at(0.95) }))
