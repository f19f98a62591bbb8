#!/usr/bin/env node
// RocketMQ's name for `apogee admin`; the same commands and options as the original's.
process.argv.splice(2, 0, 'admin')
await import('./apogee.js')
