import type { Decoded } from '@apogee/base'
import { Malformed } from '@apogee/base'

/** The namespace whose entries say which brokers and how many queues an ordered topic has. */
export const ORDER_TOPIC_CONFIG = 'ORDER_TOPIC_CONFIG'

/**
 * Namespace → key → value (Java: KVConfigManager). Immutable: a change gives a new table, so that
 * saving can come first.
 */
export class KvTable {
  private readonly namespaces: ReadonlyMap<string, ReadonlyMap<string, string>>

  constructor(namespaces: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map()) {
    this.namespaces = namespaces
  }

  get(namespace: string, key: string): string | null {
    return this.namespaces.get(namespace)?.get(key) ?? null
  }

  /** All of a namespace; `null` when there has never been such a one. */
  list(namespace: string): ReadonlyMap<string, string> | null {
    return this.namespaces.get(namespace) ?? null
  }

  with(namespace: string, key: string, value: string): KvTable {
    return this.replace(namespace, new Map(this.namespaces.get(namespace)).set(key, value))
  }

  /** Without one key; the namespace stays, even empty, as with Apache. */
  without(namespace: string, key: string): KvTable {
    if (this.get(namespace, key) === null) return this
    const entries = new Map(this.namespaces.get(namespace))
    entries.delete(key)
    return this.replace(namespace, entries)
  }

  private replace(namespace: string, entries: ReadonlyMap<string, string>): KvTable {
    return new KvTable(new Map(this.namespaces).set(namespace, entries))
  }

  /** The text of kvConfig.json: `{"configTable":{"<namespace>":{"<key>":"<value>"}}}`. */
  toJson(): string {
    const table = [...this.namespaces].map(
      ([namespace, entries]) => [namespace, Object.fromEntries(entries)] as const,
    )
    // fromEntries defines, it does not assign: a key may be called `__proto__`.
    return JSON.stringify({ configTable: Object.fromEntries(table) })
  }

  /** Reads kvConfig.json, ours or Apache's. Code: KV_CONFIG_MALFORMED. */
  static parse(text: string): Decoded<KvTable> {
    let root: unknown
    try {
      root = JSON.parse(text)
    } catch (error) {
      return malformed(error instanceof Error ? error.message : 'not JSON')
    }
    const table = isObject(root) ? root['configTable'] : undefined
    if (!isObject(table)) return malformed('no configTable')
    const namespaces = new Map<string, ReadonlyMap<string, string>>()
    for (const [namespace, entries] of Object.entries(table)) {
      if (!isObject(entries)) return malformed(`namespace ${namespace} is no table`)
      const values = new Map<string, string>()
      for (const [key, value] of Object.entries(entries)) {
        if (typeof value !== 'string') return malformed(`${namespace}.${key} is no text`)
        values.set(key, value)
      }
      namespaces.set(namespace, values)
    }
    return new KvTable(namespaces)
  }
}

function malformed(detail: string): Malformed {
  return new Malformed('KV_CONFIG_MALFORMED', detail)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
