import type { CliIo } from '../io.ts'
import { bodyLine, messageJson, type ShownMessage, shortTime } from '../output/message-view.ts'
import { printableLine, printableText } from '../output/printable.ts'
import { compileTemplate } from '../output/template.ts'
import type { MessageOutputFlags } from './message-options.ts'

/**
 * Writes messages one after the other, in the form that was asked for. Throws CLI_USAGE for a template that cannot be
 * read.
 */
export class MessageWriter {
  readonly isJson: boolean
  private readonly io: CliIo
  private readonly toText: (message: ShownMessage) => string

  constructor(io: CliIo, flags: MessageOutputFlags) {
    this.io = io
    const { format, output } = flags
    this.isJson =
      format === undefined && (output ?? (io.out.isTerminal ? 'text' : 'json')) === 'json'
    if (format !== undefined) {
      const template = compileTemplate(format)
      this.toText = (message) => {
        const text = template(message)
        return io.out.isTerminal ? printableText(text) : text
      }
    } else if (this.isJson) this.toText = (message) => JSON.stringify(messageJson(message))
    else this.toText = (message) => this.line(message)
  }

  /** Waits while the reader is slow. */
  async write(message: ShownMessage): Promise<void> {
    await this.io.out.write(`${this.toText(message)}\n`)
  }

  private line(message: ShownMessage): string {
    const { out } = this.io
    const { queue, queueOffset, tag, keys, storeTimestamp } = message
    const place = `${queue.brokerName}/${queue.queueId}:${queueOffset}`
    const parts = [
      out.style('dim', shortTime(storeTimestamp, this.io.now())),
      out.style('cyan', printableLine(place)),
      tag === null ? '' : out.style('green', `#${printableLine(tag)}`),
      keys.length === 0 ? '' : out.style('yellow', printableLine(keys.join(','))),
      bodyLine(message.rawBody),
    ]
    return parts.filter((part) => part !== '').join(' ')
  }
}
