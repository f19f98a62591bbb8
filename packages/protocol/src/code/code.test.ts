import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { LanguageCode, languageCode, languageName } from './language-code.ts'
import { RequestCode, requestCodeName } from './request-code.ts'
import { ResponseCode, responseCodeName } from './response-code.ts'
import { CURRENT_VERSION, Version } from './version.ts'

test('all 158 request codes are there, each once, and know their names', () => {
  const codes = Object.values(RequestCode)
  equal(codes.length, 158)
  equal(new Set(codes).size, 158)
  equal(RequestCode.SEND_MESSAGE_V2, 310)
  equal(requestCodeName(200050), 'POP_MESSAGE')
  equal(requestCodeName(9), 'UNKNOWN_9')
})

test('response codes are there, each once, and know their names', () => {
  const codes = Object.values(ResponseCode)
  equal(new Set(codes).size, codes.length)
  equal(ResponseCode.SUCCESS, 0)
  equal(responseCodeName(12), 'FLUSH_SLAVE_TIMEOUT')
  equal(responseCodeName(-7), 'UNKNOWN_-7')
})

test('languages go both ways, a strange one is OTHER', () => {
  for (const [name, code] of Object.entries(LanguageCode)) {
    equal(languageName(code), name)
    equal(languageCode(name), code)
  }
  equal(languageCode('COBOL'), LanguageCode.OTHER)
  equal(languageName(200), 'OTHER')
  equal(CURRENT_VERSION, Version.V5_3_3)
})
