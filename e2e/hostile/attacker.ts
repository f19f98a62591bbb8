// One attack in a process of its own, so that the honest client's clock is not the attacker's:
// node attacker.ts NAME BROKER NAMESRV DURATION_MS SEED
import type { Attack } from './attack.ts'
import { Random } from './attack.ts'
import * as connectionAttacks from './connection-attacks.ts'
import * as requestAttacks from './request-attacks.ts'

const attacks: Readonly<Record<string, Attack>> = { ...connectionAttacks, ...requestAttacks }

export const attackNames: readonly string[] = Object.keys(attacks)

async function main(): Promise<void> {
  const [name = '', broker = '', namesrv = '', durationMs, seed] = process.argv.slice(2)
  const attack = attacks[name]
  if (attack === undefined) throw new Error(`no attack ${name}`)
  // The time runs from the first question: preparing an attack may take long.
  let end: number | null = null
  const goesOn = (): boolean => {
    end ??= performance.now() + Number(durationMs)
    return performance.now() < end
  }
  const done = await attack({ broker, namesrv, goesOn, random: new Random(Number(seed)) })
  console.log(`done ${JSON.stringify(done)}`)
  process.exit(0)
}

if (import.meta.main) await main()
