// What a broker gives for a timed message, so that it can be taken back (Java: RecallMessageHandle.HandleV1), base64url of
//   v1 SP topic SP broker name SP delivery time SP message id

/** Where a recall goes. */
export interface RecallHandle {
  /** With its namespace. */
  readonly topic: string
  readonly brokerName: string
}

/** null for a text that is none. */
export function parseRecallHandle(text: string): RecallHandle | null {
  const [version, topic, brokerName, time, messageId] = Buffer.from(text, 'base64url')
    .toString()
    .split(' ')
  if (version !== 'v1' || topic === undefined || brokerName === undefined) return null
  return time === undefined || messageId === undefined ? null : { topic, brokerName }
}
