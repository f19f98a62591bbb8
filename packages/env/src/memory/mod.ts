export { MemoryDisk, type MemoryDiskOptions } from './disk.ts'
