// Who may touch clock, chance, disk, network and process. Everything else takes the ports of @apogee/env, so that one
// seed can replay it.
import { type Checkout, isTest, packageOf } from './checkout.ts'
import type { ImportFact } from './facts.ts'
import type { Finding } from './finding.ts'
import { CLIENT_DEFAULT_ENV } from './layer-rules.ts'
import { isTestSupport, type Reach } from './reach.ts'

/** Pure computation, allowed in every package. */
const PURE_MODULES = new Set(['node:zlib'])
/** What a package that is no pure core may use besides. Channels of diagnostics are functions called in this process. */
const CALCULATING_MODULES = new Set(['node:path', 'node:crypto', 'node:diagnostics_channel'])
/** Parts of node:crypto that draw random numbers or work in the background. */
const RANDOM_CRYPTO = /^(?:random|generateKey|webcrypto|getRandomValues|scrypt$|pbkdf2$|\*$)/
/** The part of it that only computes. */
const PURE_CRYPTO = new Set(['createHash', 'hash'])
const PURE_PACKAGES = new Set(['base', 'protocol'])

function isWorldly(path: string): boolean {
  const name = packageOf(path)
  return (
    name === null ||
    name === 'apogee' ||
    path.startsWith('packages/env/src/node/') ||
    path === CLIENT_DEFAULT_ENV
  )
}

function isPure(path: string): boolean {
  return PURE_PACKAGES.has(packageOf(path) ?? '') || path.includes('/core/')
}

export function checkWorld(checkout: Checkout, reach: Reach): Finding[] {
  const findings: Finding[] = []
  for (const [path, facts] of checkout.facts) {
    if (isWorldly(path) || isTest(path) || isTestSupport(reach, path)) continue
    for (const fact of facts.imports) {
      const message = moduleProblem(path, fact)
      if (message !== null) findings.push({ rule: 'pure-import', path, line: fact.line, message })
    }
    for (const { name, line } of facts.worldly) {
      const message = `${name} is for env/node and apogee: take the ports of @apogee/env`
      findings.push({ rule: 'outside-world', path, line, message })
    }
  }
  return findings
}

function moduleProblem(path: string, fact: ImportFact): string | null {
  const { specifier } = fact
  if (specifier.startsWith('.') || specifier.startsWith('@apogee/')) return null
  if (PURE_MODULES.has(specifier)) return null
  if (!specifier.startsWith('node:')) {
    return `${specifier}: packages below apogee have no dependency at run time`
  }
  if (isPure(path) && !isHashing(fact)) {
    return `${specifier}: pure code imports no node: module but node:zlib, and createHash of node:crypto`
  }
  if (!CALCULATING_MODULES.has(specifier)) return `${specifier} is for env/node and apogee`
  const random = specifier === 'node:crypto' && fact.names.find((name) => RANDOM_CRYPTO.test(name))
  return random ? `${random} of ${specifier} draws random numbers: take the Random port` : null
}

function isHashing({ specifier, names }: ImportFact): boolean {
  return (
    specifier === 'node:crypto' && names.length > 0 && names.every((name) => PURE_CRYPTO.has(name))
  )
}
