import type { Disk, DiskError } from '@apogee/env'

/**
 * Makes folders with all that lead to them, their names durable: a log file goes with the folder that a power cut takes.
 */
export function prepareFolders(disk: Disk, folders: readonly string[]): void {
  for (const folder of folders) makeDurable(disk, folder)
}

function makeDurable(disk: Disk, folder: string): void {
  const parent = folder.slice(0, folder.lastIndexOf('/')) || '/'
  const isNew = !disk.exists(folder)
  if (isNew) {
    if (parent !== folder) makeDurable(disk, parent)
    disk.makeFolder(folder)
  }
  try {
    // Also for one that is there already: the process that made it may have been killed before it came to this.
    disk.syncDirectory(parent)
  } catch (error) {
    const { code } = error as DiskError
    if (isNew || (code !== 'EACCES' && code !== 'EPERM')) throw error
  }
}
