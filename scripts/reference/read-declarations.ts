// Reads what an entry file exports, from the declarations that tsc has made of it: these are regular, and what they say is
// what users get.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  isClassDeclaration,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isInterfaceDeclaration,
  isMethodDeclaration,
  isMethodSignatureDeclaration,
  isTypeAliasDeclaration,
  isTypeLiteralNode,
  isVariableDeclaration,
  type Node,
} from 'typescript/unstable/ast'
import { API, type Project, SymbolFlags } from 'typescript/unstable/sync'
import type { WorkspaceExports } from '../build/assemble.ts'
import type { Documented, DocumentedKind, Member } from './model.ts'

/** Parts of a declaration that the reader asks for, whatever its kind. */
interface AnyDeclaration {
  readonly name?: Node
  readonly members?: readonly Node[] & { readonly pos: number }
  readonly type?: Node
  readonly postfixToken?: Node
}

const COMMENT = /\/\*[\s\S]*?\*\/[ \t]*\n?/g
const DOCSTRING = /\/\*\*([\s\S]*?)\*\//g

/** `entries`: declaration files, relative to the folder with tsc's output. In the order of their exports. */
export function readDeclarations(
  folder: string,
  entries: readonly string[],
  workspace: WorkspaceExports,
): Map<string, Documented[]> {
  const config = join(folder, 'tsconfig.json')
  const paths = Object.fromEntries(
    [...workspace].map(([name, file]) => [name, [join(folder, file.replace(/\.ts$/, '.d.ts'))]]),
  )
  const compilerOptions = { module: 'nodenext', target: 'esnext', types: ['node'], paths }
  writeFileSync(config, JSON.stringify({ compilerOptions, files: entries }))
  const api = new API({ cwd: folder })
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config)
    if (project === undefined) throw new Error(`no project for ${config}`)
    return new Map(entries.map((entry) => [entry, readEntry(project, join(folder, entry))]))
  } finally {
    api.close()
  }
}

function readEntry(project: Project, path: string): Documented[] {
  const { checker, program } = project
  const file = program.getSourceFile(path)
  const module = file === undefined ? undefined : checker.getSymbolAtLocation(file)
  if (module === undefined) throw new Error(`${path} exports nothing`)
  return checker.getExportsOfModule(module).map((symbol) => {
    const isAlias = (symbol.flags & SymbolFlags.Alias) !== 0
    const target = isAlias ? checker.getAliasedSymbol(symbol) : symbol
    const declarations = target.declarations.flatMap((handle) => handle.resolve(project) ?? [])
    const documented = documentedOf(symbol.name, declarations)
    const specifier = isAlias ? symbol.declarations[0]?.resolve(project) : undefined
    return isTypeExport(specifier) ? withoutConstructor(documented) : documented
  })
}

/** `export type { Producer }`: nobody but us can make one. */
function isTypeExport(specifier: Node | undefined): boolean {
  const { isTypeOnly, parent } = (specifier ?? {}) as { isTypeOnly?: boolean; parent?: Node }
  return isTypeOnly === true || (parent?.parent as { isTypeOnly?: boolean })?.isTypeOnly === true
}

function withoutConstructor(documented: Documented): Documented {
  return { ...documented, members: documented.members.filter(({ kind }) => kind !== 'constructor') }
}

function documentedOf(name: string, declarations: readonly Node[]): Documented {
  const [first] = declarations
  if (first === undefined) throw new Error(`${name} is exported and declared nowhere`)
  const docs = declarations.map((node) => docOf(statementOf(node))).filter((doc) => doc !== '')
  return {
    name,
    kind: kindOf(first),
    signature: declarations.map(signatureOf).join('\n'),
    doc: [...new Set(docs)].join('\n\n'),
    members: membersOf(first),
  }
}

function kindOf(node: Node): DocumentedKind {
  if (isClassDeclaration(node)) return 'class'
  if (isInterfaceDeclaration(node)) return 'interface'
  if (isTypeAliasDeclaration(node)) return 'type'
  return isFunctionDeclaration(node) ? 'function' : 'value'
}

/** A variable's docstring stands before its statement. */
function statementOf(node: Node): Node {
  return isVariableDeclaration(node) ? node.parent.parent : node
}

function signatureOf(node: Node): string {
  const statement = statementOf(node)
  const { members } = node as AnyDeclaration
  const hasBody = isClassDeclaration(node) || isInterfaceDeclaration(node)
  const text = statement.getText()
  const shown = hasBody && members ? text.slice(0, members.pos - statement.getStart()) : text
  const plain = shown.replace(COMMENT, '').replace(/^export (?:declare )?/, '')
  return isObjectValue(node)
    ? plain.replace(/:\s*\{[\s\S]*$/, '').trim()
    : plain.replace(/\s*\{\s*$/, '').trim()
}

/** `declare const Codes: { readonly A: 'a' }`. */
function isObjectValue(node: Node): boolean {
  const { type } = node as AnyDeclaration
  return isVariableDeclaration(node) && type !== undefined && isTypeLiteralNode(type)
}

function membersOf(node: Node): Member[] {
  const { type } = node as AnyDeclaration
  const owner = type !== undefined && isTypeLiteralNode(type) ? type : node
  const { members } = owner as AnyDeclaration
  return (members ?? []).filter(isPublic).map(memberOf)
}

function isPublic(node: Node): boolean {
  if (docOf(node).includes('@internal')) return false
  const { name } = node as AnyDeclaration
  const text = node.getText().replace(COMMENT, '')
  return (
    !/^(?:static )?(?:private|protected)\b/.test(text) && name?.getText().startsWith('#') !== true
  )
}

function memberOf(node: Node): Member {
  const { name, type, postfixToken } = node as AnyDeclaration
  const signature = node.getText().replace(COMMENT, '').replace(/;$/, '').trim()
  const isConstructor = isConstructorDeclaration(node)
  const isMethod = isMethodDeclaration(node) || isMethodSignatureDeclaration(node)
  const shownName = name?.getText() ?? (isConstructor ? 'constructor' : signature)
  return {
    name: shownName,
    kind: isConstructor ? 'constructor' : isMethod ? 'method' : 'property',
    optional: postfixToken !== undefined,
    type: isMethod ? methodType(signature) : oneLine(type?.getText() ?? 'unknown'),
    signature,
    doc: docOf(node),
  }
}

/** `check?(message: M): R` → `(message: M) => R`. */
function methodType(signature: string): string {
  const text = oneLine(signature)
  const start = text.search(/[<(]/)
  let depth = 0
  for (let at = start; at < text.length; at++) {
    if ('([{<'.includes(text[at]!)) depth++
    else if (')]}'.includes(text[at]!) || (text[at] === '>' && text[at - 1] !== '=')) depth--
    if (depth === 0 && text[at + 1] === ':') {
      return `${text.slice(start, at + 1)} =>${text.slice(at + 2)}`
    }
  }
  return text.slice(start)
}

function oneLine(text: string): string {
  return text.replace(COMMENT, '').replace(/\s+/g, ' ').trim()
}

/** The docstring right before a declaration, as plain Markdown; empty when there is none. */
function docOf(node: Node): string {
  const text = node.getSourceFile().text.slice(node.pos, node.getStart())
  const last = [...text.matchAll(DOCSTRING)].at(-1)?.[1] ?? ''
  const lines = last.split('\n').map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
  return lines.join('\n').trim()
}
