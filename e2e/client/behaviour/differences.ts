// Where Apache's broker 5.5.0 and Apogee's do not behave alike towards the client, and why. Scenarios assert what
// stands here, so that a difference that goes away, or a new one, fails.

export interface Difference {
  readonly what: string
  readonly apogee: unknown
  readonly apache: unknown
  readonly reason: string
}

export const differences = {} as const satisfies Record<string, Difference>
export type DifferenceName = keyof typeof differences
