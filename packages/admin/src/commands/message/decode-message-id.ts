import { isMalformed } from '@apogee/base'
import {
  formatAddress,
  formatHost,
  parseOffsetMsgId,
  parseUniqKey,
  uniqKeyTimeMs,
} from '@apogee/protocol'
import { AdminError, AdminErrorCode } from '../../admin-error.ts'
import { type AdminCommand, command } from '../../command.ts'
import { record } from '../shared/output.ts'

interface Options {
  readonly id: string
}

/** Java: DecodeMessageIdCommond. No request. */
export const decodeMessageId: AdminCommand = command<Options>({
  name: 'DecodeMessageId',
  path: ['message', 'decode-id'],
  summary: 'Show what a message id says: the producer and the time, or the broker and the place',
  options: [{ flags: '-i, --messageId <id>', key: 'id', help: 'the id', required: true }],
  arguments: [{ key: 'id', name: '<id>', help: 'the id', required: true }],
  examples: ['message decode-id 7F0000010A2C18B4AAC2937E5E2B0000'],
  async run({ clock }, { id }) {
    const asUniq = parseUniqKey(id)
    const asOffset = parseOffsetMsgId(id)
    if (isMalformed(asUniq) && isMalformed(asOffset)) {
      const message = `${id.slice(0, 80)} is no message id: 32 hex digits, 56 with IPv6`
      throw new AdminError(AdminErrorCode.USAGE, message)
    }
    const sentMs = uniqKeyTimeMs(id, clock.wallMs())
    const uniq = isMalformed(asUniq)
      ? null
      : {
          address: formatAddress(asUniq.ip, 0, asUniq.ip.length),
          pid: asUniq.pid,
          counter: asUniq.counter,
          sentAtMs: isMalformed(sentMs) ? null : sentMs,
        }
    const offset = isMalformed(asOffset)
      ? null
      : { broker: formatHost(asOffset.storeHost), physicalOffset: asOffset.physicalOffset }
    // Nothing in 32 digits tells the two kinds apart.
    return record({ id, asProducerId: uniq, asOffsetId: offset })
  },
})
