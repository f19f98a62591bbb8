import type { Codec, StandardSchema } from './codec.ts'
import { ErrorCode, RocketMQError } from './errors.ts'
import type { Body, Message, Topic } from './message.ts'

/** Bodies are JSON text. A value that JSON has no form for (undefined, a function) is refused. */
export function json<T = unknown>(): Codec<T> {
  return {
    encode(value) {
      const text = JSON.stringify(value) as string | undefined
      if (text === undefined) throw new TypeError('JSON has no form for this value')
      return Buffer.from(text)
    },
    decode: (bytes) => JSON.parse(bytes.toString('utf8')) as T,
  }
}

/** Bodies are text in UTF-8. */
export function text(): Codec<string> {
  return {
    encode: (value) => Buffer.from(value),
    decode: (bytes) => bytes.toString('utf8'),
  }
}

/**
 * A codec whose values are checked, before they are sent and when they come, by a validator of the Standard Schema
 * form (zod, valibot, arktype …), which must not be asynchronous. Default codec: json().
 */
export function withSchema<T>(schema: StandardSchema<T>, codec: Codec<unknown> = json()): Codec<T> {
  const checked = (value: unknown): T => {
    const result = schema['~standard'].validate(value)
    if (result instanceof Promise) throw new TypeError('the schema is asynchronous')
    if (result.issues === undefined) return result.value
    throw new TypeError(result.issues.map(({ message }) => message).join('; '))
  }
  return {
    encode: (value) => codec.encode(checked(value)),
    decode: (bytes) => checked(codec.decode(bytes)),
  }
}

/** What `mq.topic()` gives. */
export function topicOf<T>(name: string, codec: Codec<T> | null): Topic<T> {
  return {
    name,
    codec,
    message: (content): Message => ({ ...content, topic: name, body: bodyOf(content.body, codec) }),
  }
}

function bodyOf<T>(value: T, codec: Codec<T> | null): Body {
  if (codec === null) return value as Body
  try {
    return codec.encode(value)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RocketMQError(ErrorCode.CODEC, `the codec cannot write this value: ${reason}`, {
      cause,
    })
  }
}
