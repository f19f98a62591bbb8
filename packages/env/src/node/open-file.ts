import { constants, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { errorField } from '../disk-failure.ts'

/** What the store writes is for its owner alone. */
export const FILE_MODE = 0o600
export const FOLDER_MODE = 0o700

/** A symbolic link in the last place is refused (ELOOP): it could lead a write out of the store. */
const FLAGS: number = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0)

/** Opens for reading and writing; `create` makes the file and the folders above it. Throws Node's own error. */
export function openFile(path: string, create: boolean): number {
  if (!create) return openSync(path, FLAGS)
  try {
    return openSync(path, FLAGS | constants.O_CREAT, FILE_MODE)
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error
    mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE })
    return openSync(path, FLAGS | constants.O_CREAT, FILE_MODE)
  }
}

export function isErrno(error: unknown, code: string): boolean {
  return errorField(error, 'code') === code
}
