// Makes the packages that are published, in dist/packages/. `npm run build`.
import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildPackages } from './build/build-packages.ts'
import { pack } from './build/pack.ts'

const root = join(import.meta.dirname, '..')
const startedAt = performance.now()
const tarballs = join(root, 'dist', 'tarballs')
rmSync(tarballs, { recursive: true, force: true })

for (const { name, folder } of buildPackages(root, join(root, 'dist', 'packages'))) {
  const { file, size, unpackedSize, paths } = pack(folder, tarballs)
  const kilobytes = (bytes: number): string => `${(bytes / 1024).toFixed(0)} KiB`
  const sizes = `${kilobytes(size)} packed, ${kilobytes(unpackedSize)} installed`
  console.log(`${name}: ${paths.length} files, ${sizes}, ${file.slice(dirname(root).length + 1)}`)
}
console.log(`build: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
