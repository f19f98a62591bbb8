// The part of JSON Schema that docs/cli/*.schema.json use. A keyword that is not known fails: it would check nothing.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootFolder } from '../harness/builds.ts'

interface Schema {
  readonly [keyword: string]: unknown
}

const NOTES = new Set(['$schema', '$defs', 'title', 'description'])

/** What is wrong with a value by `docs/cli/NAME.schema.json`, one line each. */
export function schemaProblems(name: string, value: unknown): string[] {
  const text = readFileSync(join(rootFolder, 'docs/cli', `${name}.schema.json`), 'utf8')
  const root = JSON.parse(text) as Schema
  return new Checker(root).check(root, value, '$')
}

type Keyword = (expected: unknown, value: unknown, path: string, schema: Schema) => string[]

class Checker {
  private readonly root: Schema
  private readonly keywords: Readonly<Record<string, Keyword>>

  constructor(root: Schema) {
    this.root = root
    this.keywords = {
      $ref: (target, value, path) => this.check(this.resolve(String(target)), value, path),
      type: (types, value, path) => this.type([types].flat() as string[], value, path),
      enum: (allowed, value, path) =>
        wrongUnless((allowed as unknown[]).includes(value), path, 'is none of enum'),
      pattern: (pattern, value, path) =>
        wrongUnless(
          typeof value !== 'string' || new RegExp(String(pattern)).test(value),
          path,
          `is not ${String(pattern)}`,
        ),
      minimum: (least, value, path) =>
        wrongUnless(
          typeof value !== 'number' || value >= Number(least),
          path,
          `is below ${Number(least)}`,
        ),
      required: (names, value, path) =>
        (names as string[]).flatMap((name) =>
          wrongUnless(!isObject(value) || Object.hasOwn(value, name), path, `lacks ${name}`),
        ),
      properties: (members, value, path) =>
        this.properties(members as Record<string, Schema>, value, path),
      additionalProperties: (rest, value, path, schema) =>
        this.rest(rest as Schema | boolean, value, path, schema),
      items: (item, value, path) =>
        Array.isArray(value)
          ? value.flatMap((one, place) => this.check(item as Schema, one, `${path}[${place}]`))
          : [],
      anyOf: (choices, value, path) => {
        const found = (choices as Schema[]).map((choice) => this.check(choice, value, path))
        return found.some((problems) => problems.length === 0) ? [] : found.flat()
      },
      not: (schema, value, path) =>
        wrongUnless(
          this.check(schema as Schema, value, path).length > 0,
          path,
          'is what it must not be',
        ),
    }
  }

  check(schema: Schema, value: unknown, path: string): string[] {
    return Object.entries(schema).flatMap(([keyword, expected]) => {
      if (NOTES.has(keyword)) return []
      const apply = this.keywords[keyword]
      if (apply === undefined)
        throw new Error(`${keyword} at ${path}: this checker does not know it`)
      return apply(expected, value, path, schema)
    })
  }

  private resolve(target: string): Schema {
    let at: unknown = this.root
    for (const part of target.replace(/^#\//, '').split('/'))
      at = (at as Record<string, unknown>)[part]
    if (!isObject(at)) throw new Error(`${target} is not in the schema`)
    return at
  }

  private type(types: readonly string[], value: unknown, path: string): string[] {
    return wrongUnless(
      types.some((type) => isOfType(type, value)),
      path,
      `is not ${types.join(' or ')}`,
    )
  }

  private properties(
    members: Readonly<Record<string, Schema>>,
    value: unknown,
    path: string,
  ): string[] {
    if (!isObject(value)) return []
    return Object.entries(members).flatMap(([name, schema]) =>
      Object.hasOwn(value, name) ? this.check(schema, value[name], `${path}.${name}`) : [],
    )
  }

  private rest(rest: Schema | boolean, value: unknown, path: string, schema: Schema): string[] {
    if (!isObject(value) || rest === true) return []
    const known = Object.keys((schema['properties'] ?? {}) as object)
    const others = Object.keys(value).filter((name) => !known.includes(name))
    if (rest === false) return others.map((name) => `${path}.${name}: is not in the schema`)
    return others.flatMap((name) => this.check(rest, value[name], `${path}.${name}`))
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return isObject(value)
    case 'integer':
      return Number.isInteger(value)
    case 'number':
      return typeof value === 'number' && Number.isFinite(value)
    default:
      return typeof value === type
  }
}

function wrongUnless(isRight: boolean, path: string, problem: string): string[] {
  return isRight ? [] : [`${path}: ${problem}`]
}
