import type { Output } from '../io.ts'
import { printableLine } from './printable.ts'

const CLEAR_LINE = '\r\u001b[2K'

/** One line at the bottom of a terminal that is written again and again; nothing anywhere else. */
export class ProgressLine {
  private readonly output: Output
  private isShown = false

  constructor(output: Output) {
    this.output = output
  }

  show(text: string): void {
    if (!this.output.isTerminal) return
    const line = printableLine(text).slice(0, Math.max(10, this.output.columns() - 1))
    this.isShown = true
    void this.output.write(`${CLEAR_LINE}${line}`)
  }

  clear(): void {
    if (!this.isShown) return
    this.isShown = false
    void this.output.write(CLEAR_LINE)
  }
}
