// Starts a target and keeps it until interrupted, for work by hand: node e2e/run-target.ts apache|apogee FOLDER
import { startApache } from './harness/apache.ts'
import { startApogee } from './harness/apogee.ts'

const [kind = 'apogee', dir = '/tmp/apogee-target'] = process.argv.slice(2)
const target = await (kind === 'apache' ? startApache({ dir }) : startApogee({ dir }))
console.log(
  JSON.stringify({
    namesrv: target.namesrvAddr,
    broker: target.brokerAddr,
    store: target.storeDir,
  }),
)
process.stdin.resume()
