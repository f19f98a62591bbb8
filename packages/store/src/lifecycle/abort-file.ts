import type { Disk } from '@apogee/env'

// abort: there while a broker has the store open (Apache's rule: when it is there at the start, the last run crashed). It
// holds the process id, and a second line once a write or sync of the log has failed. That line need not reach the disk:
// when it does not, the machine went down too, and with it the page cache that it warns of.

const FAILED = '\nlog-failed'

export class AbortFile {
  private readonly disk: Disk
  private readonly root: string
  private readonly path: string

  constructor(disk: Disk, root: string) {
    this.disk = disk
    this.root = root
    this.path = `${root}/abort`
  }

  /** Whether the last run did not stop cleanly, and whether its log had failed. Throws a DiskError. */
  read(): { crashed: boolean; failed: boolean } {
    if (!this.disk.exists(this.path)) return { crashed: false, failed: false }
    const file = this.disk.open(this.path)
    try {
      const bytes = Buffer.alloc(64)
      const length = file.readNow(bytes, 0, bytes.length, 0)
      return { crashed: true, failed: bytes.toString('latin1', 0, length).endsWith(FAILED) }
    } finally {
      file.close()
    }
  }

  /** Says that the store is in use; on disk before anything else changes. Throws a DiskError. */
  write(processId: number): void {
    const file = this.disk.open(this.path, { create: true })
    try {
      file.truncate(0)
      file.writeNow(Buffer.from(String(processId)), 0)
      file.syncNow()
    } finally {
      file.close()
    }
    this.disk.syncDirectory(this.root)
  }

  /** Notes that what the system holds of the log may never have reached the disk. Throws a DiskError. */
  markFailed(): void {
    if (!this.disk.exists(this.path)) return
    const file = this.disk.open(this.path)
    try {
      file.writeNow(Buffer.from(FAILED), file.size())
    } finally {
      file.close()
    }
  }

  /** The stop was clean. Throws a DiskError. */
  remove(): void {
    this.disk.remove(this.path)
    this.disk.syncDirectory(this.root)
  }
}
