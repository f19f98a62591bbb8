// Assertions about types: a call compiles only when both types are the same, in both directions.

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** `expectType<number>()(value)` compiles when `value` has exactly that type. */
export function expectType<Expected>(): <Actual>(
  value: Actual,
  ...same: Same<Actual, Expected> extends true ? [] : ['the types differ', Actual, Expected]
) => void {
  return () => {}
}
