// Run by lock.test.ts: takes the lock of argv[2], says whether it got it, and stays until killed.

import { NodeDisk } from '../disk.ts'

const lock = new NodeDisk().lock(process.argv[2] ?? '')
process.stdout.write(lock === null ? 'refused\n' : 'held\n')
if (lock !== null) setInterval(() => {}, 1000)
