import { fileURLToPath } from 'node:url'
import type { Disk, DiskFile } from '@apogee/env'
import { NodeDisk } from '@apogee/env/node'

const testdata = new NodeDisk()

/** A PEM file of testdata. Made with openssl, valid for a hundred years, for these tests alone. */
export function pem(name: string): string {
  const file = testdata.open(fileURLToPath(new URL(`./testdata/${name}.pem`, import.meta.url)))
  const bytes = Buffer.alloc(file.size())
  file.readNow(bytes, 0, bytes.length, 0)
  file.close()
  return bytes.toString()
}

/** Files that are only read. */
export function diskWith(files: Map<string, string>): Disk {
  const open = (path: string): DiskFile => {
    const text = files.get(path)
    if (text === undefined) throw new Error(`ENOENT ${path}`)
    const bytes = Buffer.from(text)
    const file: Partial<DiskFile> = {
      size: () => bytes.length,
      readNow: (into, offset, length) => bytes.copy(into, offset, 0, length),
      close() {},
    }
    return file as DiskFile
  }
  return { open } as Partial<Disk> as Disk
}
