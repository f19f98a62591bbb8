import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { decideTarget, type TargetFacts } from './ha-target.ts'

const nothing: TargetFacts = {
  masterAddr: null,
  haServerAddr: '',
  haMasterAddress: '',
  haPeerProtocol: 'auto',
  hasSecret: false,
  answered: null,
}
const named = { masterAddr: 'm:1', haServerAddr: 'm:2' }

function decision(facts: Partial<TargetFacts>): string {
  const decided = decideTarget({ ...nothing, ...facts })
  if (decided.kind === 'follow') return `follow ${decided.address} ${decided.protocol}`
  if (decided.kind === 'ask') return `ask ${decided.masterAddr}`
  return decided.problem === null ? 'wait' : `wait ${decided.problem}`
}

const cases: readonly [what: string, facts: Partial<TargetFacts>, decided: string][] = [
  ['nobody knows a master', {}, 'wait'],
  ['a master without a replication port', { masterAddr: 'm:1' }, 'wait'],
  ['a named master is asked first', named, 'ask m:1'],
  ['one of ours is followed', { ...named, answered: 'apogee' }, 'follow m:2 apogee'],
  ['one of theirs is followed', { ...named, answered: 'apache' }, 'follow m:2 apache'],
  ['with a secret it is asked too', { ...named, hasSecret: true }, 'ask m:1'],
  [
    'a secret is kept from Apache',
    { ...named, hasSecret: true, answered: 'apache' },
    'wait HA_SECRET_NEEDS_APOGEE',
  ],
  [
    'a secret for one of ours',
    { ...named, hasSecret: true, answered: 'apogee' },
    'follow m:2 apogee',
  ],
  [
    'Apache by configuration, whatever it answered and whatever the secret',
    { ...named, haPeerProtocol: 'apache', hasSecret: true, answered: 'apogee' },
    'follow m:2 apache',
  ],
  [
    'ours by configuration asks nobody',
    { ...named, haPeerProtocol: 'apogee' },
    'follow m:2 apogee',
  ],
  [
    'the configured address counts before the named one',
    { ...named, haMasterAddress: 'x:9', answered: 'apogee' },
    'follow x:9 apogee',
  ],
  [
    'an address alone does not say what it speaks',
    { haMasterAddress: 'x:9' },
    'wait HA_PROTOCOL_UNKNOWN',
  ],
  [
    'an address and a protocol need no NameServer',
    { haMasterAddress: 'x:9', haPeerProtocol: 'apache' },
    'follow x:9 apache',
  ],
]

for (const [what, facts, decided] of cases) {
  test(`replication: ${what}`, () => equal(decision(facts), decided))
}
