// Where Apache's broker 5.5.0 and Apogee's do not behave alike towards the client, and why. Scenarios assert what stands
// here, so that a difference that goes away, or a new one, fails.

export interface Difference {
  readonly what: string
  readonly apogee: unknown
  readonly apache: unknown
  readonly reason: string
}

export type DifferenceName = 'timers'

export const differences: Readonly<Record<DifferenceName, Difference>> = {
  timers: {
    what: 'a message with delayMs',
    apogee: 'refused',
    apache: 'delivered after its time',
    reason: 'timers (TIMER_DELAY_MS and the timer wheel) are not served yet',
  },
}
