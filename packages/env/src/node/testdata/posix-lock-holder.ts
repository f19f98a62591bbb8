// Run by lock.test.ts: holds an fcntl lock on the file argv[2] itself, as Apache's broker does, until killed.

import { DatabaseSync } from 'node:sqlite'

const database = new DatabaseSync(process.argv[2] ?? '')
database.exec('BEGIN EXCLUSIVE')
process.stdout.write('held\n')
setInterval(() => database.isOpen, 1000)
