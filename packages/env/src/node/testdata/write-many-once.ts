// Run by write-many.test.ts: one large writeMany below argv[2], then nothing: the process must end by itself, after it.

import { NodeDisk } from '../disk.ts'

const pieces = Array.from({ length: 200 }, (_, index) => ({
  path: `${process.argv[2]}/${index}`,
  size: 0,
  position: 0,
  bytes: Buffer.from('x'),
}))
new NodeDisk().writeMany(pieces, { sync: true }, (error) => {
  process.stdout.write(error === null ? 'written' : error.code)
})
