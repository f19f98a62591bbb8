#!/usr/bin/env node
// RocketMQ's name for `apogee namesrv`; the same options as the original's.
process.argv.splice(2, 0, 'namesrv')
await import('./apogee.js')
