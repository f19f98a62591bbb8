// Names of index files: the local time of their creation as yyyyMMddHHmmssSSS. They sort by age, and that order is all
// they are used for.

const NAME = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{3})$/
const DAY_MS = 86_400_000

export function isIndexName(name: string): boolean {
  return NAME.test(name)
}

/** The name for a local time, ms. */
export function indexName(localMs: number): string {
  const days = Math.floor(localMs / DAY_MS)
  const inDay = localMs - days * DAY_MS
  const [year, month, day] = civilFromDays(days)
  return (
    digits(year, 4) +
    digits(month, 2) +
    digits(day, 2) +
    digits(Math.floor(inDay / 3_600_000), 2) +
    digits(Math.floor(inDay / 60_000) % 60, 2) +
    digits(Math.floor(inDay / 1000) % 60, 2) +
    digits(inDay % 1000, 3)
  )
}

/** The local time a name stands for, ms. */
export function timeOfName(name: string): number {
  const match = NAME.exec(name)
  if (match === null) return 0
  const [year, month, day, hour, minute, second, ms] = match.slice(1).map(Number)
  const time = ((hour! * 60 + minute!) * 60 + second!) * 1000 + ms!
  return daysFromCivil(year!, month!, day!) * DAY_MS + time
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0')
}

// The proleptic Gregorian calendar in 400-year eras that begin in March, so that the leap day is the last of its year.
const ERA_DAYS = 146_097
const EPOCH_SHIFT_DAYS = 719_468

function civilFromDays(sinceEpoch: number): [number, number, number] {
  const shifted = sinceEpoch + EPOCH_SHIFT_DAYS
  const era = Math.floor(shifted / ERA_DAYS)
  const dayOfEra = shifted - era * ERA_DAYS
  const leapDays =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096)
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365)
  const dayOfYear = dayOfEra - daysBeforeYear(yearOfEra)
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  return [era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day]
}

function daysFromCivil(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year
  const era = Math.floor(marchYear / 400)
  const yearOfEra = marchYear - era * 400
  const marchMonth = month > 2 ? month - 3 : month + 9
  const dayOfYear = Math.floor((153 * marchMonth + 2) / 5) + day - 1
  return era * ERA_DAYS + daysBeforeYear(yearOfEra) + dayOfYear - EPOCH_SHIFT_DAYS
}

function daysBeforeYear(yearOfEra: number): number {
  return yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
}
