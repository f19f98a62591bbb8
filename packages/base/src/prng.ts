/** A seeded generator (xoshiro128**, Blackman and Vigna): the same seed gives the same run, on every machine. */
export class Prng {
  private a: number
  private b: number
  private c: number
  private d: number

  constructor(seed: number) {
    // splitmix32 spreads a small seed over the state; all-zero state cannot come out of it.
    let z = seed | 0
    const next = (): number => {
      z = (z + 0x9e3779b9) | 0
      let t = z ^ (z >>> 16)
      t = Math.imul(t, 0x21f0aaad)
      t ^= t >>> 15
      t = Math.imul(t, 0x735a2d97)
      return t ^ (t >>> 15)
    }
    this.a = next()
    this.b = next()
    this.c = next()
    this.d = next() | 1
  }

  /** 32 random bits, unsigned. */
  next(): number {
    const product = Math.imul(this.b, 5)
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0
    const t = this.b << 9
    this.c ^= this.a
    this.d ^= this.b
    this.b ^= this.c
    this.a ^= this.d
    this.c ^= t
    this.d = (this.d << 11) | (this.d >>> 21)
    return result
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * bound)
  }

  /** True with probability `chance` (0 to 1). */
  chance(chance: number): boolean {
    return this.next() / 0x1_0000_0000 < chance
  }

  /** A generator of its own stream, so that drawing more in one place does not change another. */
  fork(): Prng {
    return new Prng(this.next() | 0)
  }
}
