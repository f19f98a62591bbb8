export { MemoryDisk, type MemoryDiskOptions } from './disk.ts'
export { type Quiet, VirtualClock } from './virtual-clock.ts'
