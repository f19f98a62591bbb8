import { chmodSync, lstatSync, readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { DiskFailure, diskFailure, errorField } from '../disk-failure.ts'
import { FILE_MODE, isErrno } from './open-file.ts'

/** SQLITE_BUSY: another connection holds the lock. */
const SQLITE_BUSY = 5

/** Locks this thread holds, by the real path of their file. Holds the database too: collected, it would let go. */
const held = new Map<string, DatabaseSync>()

/**
 * Takes the lock of `path`, whose file exists, or returns `null` when another live process has it.
 *
 * Only a lock the kernel keeps is given back by kill -9 and cannot be fooled by a reused process id, a second network
 * namespace or a second container. Node has no call for one; its SQLite does, so an exclusive transaction on an empty
 * database beside the lock file (`lock.owner`) is the lock. The database is never written, and never removed: a new
 * file under the old name would be a second lock.
 *
 * Apache's broker takes byte 0 of the lock file itself. We cannot take that one, but see it in /proc/locks and keep out;
 * the other way round Apache cannot see us, so a store of ours must be stopped before Apache opens it.
 */
export function takeLock(path: string): { release(): void } | null {
  const owner = join(realpathSync(dirname(path)), `${basename(path)}.owner`)
  if (held.has(owner)) return null
  const database = takeDatabase(owner)
  if (database === null) return null
  if (isLockedByOther(path)) {
    database.close()
    return null
  }
  held.set(owner, database)
  return {
    release(): void {
      if (held.get(owner) !== database) return
      held.delete(owner)
      database.close()
    },
  }
}

function takeDatabase(owner: string): DatabaseSync | null {
  refuseLink(owner)
  const sqlite = process.getBuiltinModule('node:sqlite')
  if (sqlite === undefined) throw new DiskFailure('ENOSYS', 'lock', owner)
  let database: DatabaseSync | null = null
  try {
    database = new sqlite.DatabaseSync(owner, { timeout: 0 })
    database.exec('PRAGMA journal_mode=MEMORY; BEGIN EXCLUSIVE')
    chmodSync(owner, FILE_MODE)
    return database
  } catch (error) {
    database?.close()
    const errcode = errorField(error, 'errcode')
    if (errcode !== undefined) {
      if (errcode === SQLITE_BUSY) return null
      throw new DiskFailure('EIO', 'lock', owner, { cause: error })
    }
    throw diskFailure(error, 'lock', owner)
  }
}

function refuseLink(owner: string): void {
  const stat = lstatSync(owner, { throwIfNoEntry: false })
  if (stat?.isSymbolicLink()) throw new DiskFailure('ELOOP', 'lock', owner)
}

/**
 * Whether /proc/locks shows an fcntl lock on the file. The kernel lists only locks of live processes, ours included, but
 * we hold none on this file. A line reads
 *
 *     1: POSIX  ADVISORY  WRITE 7170 fe:00:9987377 0 0
 *
 * with device (major:minor, hex) and inode in the sixth column. Missing outside Linux: nothing to see there.
 */
function isLockedByOther(path: string): boolean {
  const stat = lstatSync(path, { bigint: true })
  const major = ((stat.dev >> 8n) & 0xfffn) | ((stat.dev >> 32n) & ~0xfffn)
  const minor = (stat.dev & 0xffn) | ((stat.dev >> 12n) & ~0xffn)
  const hex = (value: bigint): string => value.toString(16).padStart(2, '0')
  const wanted = `${hex(major)}:${hex(minor)}:${stat.ino}`
  for (const line of procLocks().split('\n')) {
    const columns = line.trim().split(/\s+/)
    // A waiter's line has an arrow after the number.
    if (columns[1] === '->') continue
    if ((columns[1] === 'POSIX' || columns[1] === 'OFDLCK') && columns[5] === wanted) return true
  }
  return false
}

function procLocks(): string {
  try {
    return readFileSync('/proc/locks', 'latin1')
  } catch (error) {
    if (isErrno(error, 'ENOENT') || isErrno(error, 'EACCES')) return ''
    throw error
  }
}
