import type { Checkout } from './checkout.ts'
import type { Finding } from './finding.ts'
import { checkCycles, checkDeadFiles, checkLayers } from './layer-rules.ts'
import { reachOf } from './reach.ts'
import {
  checkLeftovers,
  checkLines,
  checkNames,
  checkPackageShape,
  checkSizes,
} from './style-rules.ts'
import { checkWorld } from './world-rules.ts'

/** Every rule over one checkout, in the order of the files. */
export function runRules(checkout: Checkout): Finding[] {
  const reach = reachOf(checkout)
  const findings = [
    ...checkLayers(checkout, reach),
    ...checkCycles(checkout),
    ...checkDeadFiles(checkout, reach),
    ...checkWorld(checkout, reach),
    ...checkSizes(checkout),
    ...checkNames(checkout),
    ...checkLines(checkout),
    ...checkLeftovers(checkout),
    ...checkPackageShape(checkout),
  ]
  return findings.toSorted((a, b) => a.path.localeCompare(b.path) || a.line - b.line)
}
