import assert from 'node:assert/strict'
import { test } from 'node:test'
import { versionName } from './version-name.ts'

test('ordinals have the names that mqadmin prints', () => {
  const names: [number, string][] = [
    [37, '#37'],
    [211, '#211'],
    [212, 'V4_0_0_SNAPSHOT'],
    [213, 'V4_0_0'],
    [232, 'V4_1_0_SNAPSHOT'],
    [401, 'V4_9_4'],
    [413, 'V5_0_0'],
    [479, 'V5_3_3'],
    [513, 'V5_5_0'],
    [611, 'V5_9_9'],
    [612, 'HIGHER_VERSION'],
    [900, 'HIGHER_VERSION'],
  ]
  for (const [ordinal, name] of names) assert.equal(versionName(ordinal), name)
})
