import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { messageJson, type ShownMessage } from './message-view.ts'
import { compileTemplate, TEMPLATE_FIELDS } from './template.ts'

const MESSAGE: ShownMessage = {
  topic: 'orders',
  rawBody: Buffer.from('hello'),
  tag: 'created',
  keys: ['k1', 'k2'],
  properties: { region: 'eu', UNIQ_KEY: 'ID1', TAGS: 'created' },
  messageId: 'ID1',
  offsetMessageId: '7F00',
  queue: { brokerName: 'broker-a', queueId: 3 },
  queueOffset: 17,
  reconsumeTimes: 0,
  bornTimestamp: 1_769_846_400_000,
  bornHost: '10.0.0.7:5000',
  storeTimestamp: 1_769_846_400_001,
  storeHost: '10.0.0.1:10911',
  shardingKey: null,
}

test('fields stand where their braces stood, everything else stands for itself', () => {
  const template = compileTemplate(
    '{{time}} {{ queue }}:{{offset}} {{key}} [{{shardingKey}}] {{body}}',
  )
  equal(template(MESSAGE), '2026-01-31T08:00:00.001Z 3:17 k1 [] hello')
  equal(
    compileTemplate('{{property.region}}/{{property.none}}\\t{{keys}}\\n')(MESSAGE),
    'eu/\tk1 k2\n',
  )
  equal(compileTemplate('{ {{size}} } $1 $&')(MESSAGE), '{ 5 } $1 $&')
})

test('what a message holds is never read as a template', () => {
  const tricky = { ...MESSAGE, rawBody: Buffer.from('{{topic}}\\n') }
  equal(compileTemplate('{{body}}')(tricky), '{{topic}}\\n')
})

test('every field gives a text', () => {
  for (const name of Object.keys(TEMPLATE_FIELDS)) {
    equal(typeof compileTemplate(`{{${name}}}`)(MESSAGE), 'string', name)
  }
})

test('a field that there is not is refused, and the one that was meant is named', () => {
  throws(() => compileTemplate('{{bdy}}'), { code: 'CLI_USAGE', hint: 'did you mean {{body}}?' })
  throws(() => compileTemplate('{{constructor}}'), { code: 'CLI_USAGE' })
  throws(() => compileTemplate('{{}}'), { code: 'CLI_USAGE' })
})

test('JSON tells own properties from those of RocketMQ, and text bodies from others', () => {
  const json = messageJson(MESSAGE)
  deepEqual(json.properties, { region: 'eu' })
  deepEqual(json.systemProperties, { UNIQ_KEY: 'ID1', TAGS: 'created' })
  equal(json.body, 'hello')
  equal('bodyBase64' in json, false)
  const binary = messageJson({ ...MESSAGE, rawBody: Buffer.from([0xff, 0xfe]) })
  equal('body' in binary, false)
  equal(binary.bodyBase64, '//4=')
})
