#!/usr/bin/env node
// RocketMQ's name for `apogee broker`; the same options as the original's.
process.argv.splice(2, 0, 'broker')
await import('./apogee.js')
