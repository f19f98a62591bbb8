// Sizes, names and leftovers.
import { type Checkout, isTest, packageOf } from './checkout.ts'
import type { Finding } from './finding.ts'

export const FILE_LINES_ADVISED = 400
export const FILE_LINES_MAX = 600
export const FUNCTION_LINES_ADVISED = 50
export const FUNCTION_LINES_MAX = 70
export const COMMENT_COLUMNS_MAX = 124
export const README_LINES_MAX = 40

const SOURCE = /\.(?:ts|js|mjs|cjs)$/
const KEBAB_FILE = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:test|fixture|config|d))?\.(?:ts|js|mjs|cjs)$/
const KEBAB_FOLDER = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:-\d+(?:\.\d+)+)?$/
const COMMENT_LINE = /^\s*(?:\/\/|\/?\*)|\s\/\/\s/
// Spelled in two halves, so that this file passes its own rule.
const UNFINISHED = new RegExp(`\\b(?:${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\\b`)
// Folders of one machine. Home folders of made-up people may stand in examples.
const MACHINE_PATH = new RegExp(
  `(?<![\\w.\\]])/(?:${['wo', 'rk'].join('')}|${['ro', 'ot'].join('')}|home/(?!me\\b|user\\b)\\w+)/`,
)

export function checkSizes(checkout: Checkout): Finding[] {
  const findings: Finding[] = []
  for (const [path, text] of checkout.texts) {
    if (!SOURCE.test(path)) continue
    const lines = text.split('\n').length - 1
    if (lines > FILE_LINES_ADVISED) {
      const message = `${lines} lines; at most ${FILE_LINES_ADVISED} are advised, ${FILE_LINES_MAX} allowed`
      findings.push({ rule: 'file-length', path, line: 0, message, note: lines <= FILE_LINES_MAX })
    }
  }
  for (const [path, { functions }] of checkout.facts) {
    for (const { name, line, bodyLines } of functions) {
      if (bodyLines <= FUNCTION_LINES_ADVISED) continue
      const message = `${name} has ${bodyLines} lines; at most ${FUNCTION_LINES_ADVISED} are advised, ${FUNCTION_LINES_MAX} allowed`
      const note = bodyLines <= FUNCTION_LINES_MAX
      findings.push({ rule: 'function-length', path, line, message, note })
    }
  }
  return findings
}

export function checkNames(checkout: Checkout): Finding[] {
  const findings: Finding[] = []
  for (const path of checkout.texts.keys()) {
    if (!SOURCE.test(path)) continue
    const parts = path.split('/')
    const file = parts.pop() ?? ''
    const folder = parts.find((part) => !part.startsWith('.') && !KEBAB_FOLDER.test(part))
    if (!KEBAB_FILE.test(file) || folder !== undefined) {
      const message = `${folder ?? file} is not kebab-case`
      findings.push({ rule: 'file-name', path, line: 0, message })
    }
  }
  return findings
}

export function checkLines(checkout: Checkout): Finding[] {
  const findings: Finding[] = []
  for (const [path, text] of checkout.texts) {
    text.split('\n').forEach((content, index) => {
      const line = index + 1
      if (SOURCE.test(path) && content.length > COMMENT_COLUMNS_MAX && COMMENT_LINE.test(content)) {
        const message = `${content.length} columns; at most ${COMMENT_COLUMNS_MAX}`
        findings.push({ rule: 'comment-width', path, line, message })
      }
      const unfinished = UNFINISHED.exec(content)?.[0]
      if (unfinished !== undefined) {
        const message = `${unfinished}: finish it, or file an issue`
        findings.push({ rule: 'unfinished', path, line, message })
      }
      const machinePath = MACHINE_PATH.exec(content)?.[0]
      if (machinePath !== undefined) {
        const message = `${machinePath} is a path of one machine`
        findings.push({ rule: 'machine-path', path, line, message })
      }
    })
  }
  return findings
}

export function checkLeftovers(checkout: Checkout): Finding[] {
  const findings: Finding[] = []
  for (const [path, facts] of checkout.facts) {
    const add = (rule: string, lines: readonly number[], message: string): void => {
      for (const line of lines) findings.push({ rule, path, line, message })
    }
    add('debug', facts.debuggers, 'a debugger statement was left behind')
    if (packageOf(path) !== null && packageOf(path) !== 'apogee' && isTest(path)) {
      const consoles = facts.worldly.filter(({ name }) => name === 'console')
      const lines = consoles.map(({ line }) => line)
      add('debug', lines, 'console output was left behind: use t.diagnostic')
    }
    if (isTest(path)) add('only-test', facts.narrowedTests, 'only: the other tests would not run')
    if (!path.endsWith('.config.ts')) {
      add('default-export', facts.defaultExports, 'export by name, so that one search finds it')
    }
  }
  return findings
}

/** Every package says what it is and how it compiles, briefly. */
export function checkPackageShape(checkout: Checkout): Finding[] {
  const findings: Finding[] = []
  for (const { folder } of checkout.packages.values()) {
    for (const file of ['README.md', 'tsconfig.json']) {
      const path = `${folder}/${file}`
      const text = checkout.texts.get(path)
      if (text === undefined) {
        findings.push({ rule: 'package-shape', path, line: 0, message: 'is missing' })
        continue
      }
      const lines = text.trimEnd().split('\n').length
      if (file === 'README.md' && lines > README_LINES_MAX) {
        const message = `${lines} lines; at most ${README_LINES_MAX}`
        findings.push({ rule: 'package-shape', path, line: 0, message })
      }
    }
  }
  return findings
}
