import type { ClientProgram } from '../harness/client-program.ts'
import type { Target } from '../harness/target.ts'

export interface ScenarioContext {
  client: ClientProgram
  target: Target
  /** A name that no other scenario uses. */
  topic: string
  unique(): number
}

export interface Scenario {
  name: string
  run(context: ScenarioContext): Promise<void>
}
