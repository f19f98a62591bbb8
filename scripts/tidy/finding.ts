/** What a rule found. An error fails the check; a note is only listed. */
export interface Finding {
  readonly rule: string
  /** Relative to the root of the checkout. */
  readonly path: string
  /** 1-based; 0 when the finding is about the file as a whole. */
  readonly line: number
  readonly message: string
  readonly note?: boolean
}

export function formatFinding(finding: Finding): string {
  const place = finding.line === 0 ? finding.path : `${finding.path}:${finding.line}`
  return `${place}  ${finding.rule}: ${finding.message}`
}
