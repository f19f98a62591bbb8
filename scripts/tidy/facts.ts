// One walk over a syntax tree collects everything that the rules ask about a source file.
import {
  isArrowFunction,
  isCallExpression,
  isExportAssignment,
  isExportDeclaration,
  isIdentifier,
  isImportDeclaration,
  isNewExpression,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isStringLiteral,
  isTypeNode,
  type Node,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast'

export interface ImportFact {
  readonly specifier: string
  readonly line: number
  /** Erased when the program runs: `import type`, or nothing but `type` names. */
  readonly typeOnly: boolean
  /** The imported names, '*' for a whole namespace, empty for a side effect or a dynamic import. */
  readonly names: readonly string[]
}

export interface FunctionFact {
  readonly name: string
  readonly line: number
  /** Lines between the braces. */
  readonly bodyLines: number
}

export interface PlacedName {
  readonly name: string
  readonly line: number
}

export interface Facts {
  readonly imports: ImportFact[]
  readonly functions: FunctionFact[]
  /** Uses of clock, timers, chance, process and console that are not names of the file's own. */
  readonly worldly: PlacedName[]
  /** Relative file names in strings: workers and child programs that no import statement names. */
  readonly fileNames: string[]
  readonly defaultExports: number[]
  readonly debuggers: number[]
  /** Calls such as test.only and options such as { only: true }. */
  readonly narrowedTests: number[]
}

const WORLDLY_NAMES = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'performance',
  'process',
  'console',
  'crypto',
  'fetch',
  'globalThis',
])
const FILE_NAME = /^\.{1,2}\/[\w./-]*$/

export function collectFacts(tree: SourceFile): Facts {
  const walk = new Walk(tree)
  tree.forEachChild((node) => walk.visit(node))
  return walk.finish()
}

/** Node kinds whose `name` child declares a name (an access expression has a `name` that does not). */
function declaresName(node: Node): boolean {
  const { parent } = node
  return (parent as { name?: Node }).name === node && !isPropertyAccessExpression(parent)
}

class Walk {
  readonly #tree: SourceFile
  readonly #declared = new Set<string>()
  readonly #facts: Facts = {
    imports: [],
    functions: [],
    worldly: [],
    fileNames: [],
    defaultExports: [],
    debuggers: [],
    narrowedTests: [],
  }

  constructor(tree: SourceFile) {
    this.#tree = tree
  }

  visit(node: Node): void {
    if (isTypeNode(node)) return
    if (isImportDeclaration(node) || isExportDeclaration(node)) this.#importOrExport(node)
    else if (isIdentifier(node)) this.#identifier(node, node.text)
    else if (isStringLiteral(node) || node.kind === SyntaxKind.TemplateHead) this.#text(node)
    else if (isCallExpression(node)) this.#call(node)
    else this.#statement(node)
    this.#functionBody(node)
    node.forEachChild((child) => this.visit(child))
  }

  finish(): Facts {
    const worldly = this.#facts.worldly.filter(({ name }) => !this.#declared.has(name))
    return { ...this.#facts, worldly }
  }

  #line(node: Node): number {
    return this.#tree.getLineAndCharacterOfPosition(node.getStart(this.#tree)).line + 1
  }

  #importOrExport(node: Node): void {
    const { moduleSpecifier } = node as { moduleSpecifier?: Node }
    if (moduleSpecifier === undefined || !isStringLiteral(moduleSpecifier)) return
    const statement = node.getText(this.#tree)
    const clause = statement.slice(0, statement.lastIndexOf(moduleSpecifier.getText(this.#tree)))
    const braces = /\{([^}]*)\}/s.exec(clause)?.[1]?.split(',') ?? []
    const parts = braces.map((part) => part.trim()).filter((part) => part !== '')
    const outside = clause.replace(/\{[^}]*\}/s, '').replace(/^(?:import|export)|from\s*$/g, '')
    const namespace = outside.includes('*') ? ['*'] : []
    const defaultName = /^\s*(?:type\s+)?([A-Za-z_$][\w$]*)/.exec(outside)?.[1]
    const isType = /^\s*type\s/.test(outside)
    const named = parts.map((part) => part.replace(/^type\s+/, '').split(/\s+as\s+/)[0] ?? part)
    const allTypes = parts.length > 0 && parts.every((part) => part.startsWith('type '))
    const hasDefault = defaultName !== undefined && defaultName !== 'type'
    this.#facts.imports.push({
      specifier: moduleSpecifier.text,
      line: this.#line(node),
      typeOnly: isType || (allTypes && !hasDefault && namespace.length === 0),
      names: [...namespace, ...(hasDefault ? ['default'] : []), ...named],
    })
  }

  #identifier(node: Node, name: string): void {
    const { parent } = node
    if (declaresName(node)) {
      if (!isPropertyAssignment(parent)) this.#declared.add(name)
      return
    }
    if (isPropertyAccessExpression(parent) && parent.name === node) return
    if (WORLDLY_NAMES.has(name)) this.#facts.worldly.push({ name, line: this.#line(node) })
    if (name === 'Date') this.#date(node)
    const member = isPropertyAccessExpression(parent) ? parent.name.text : ''
    if (name === 'Math' && member === 'random') {
      this.#facts.worldly.push({ name: 'Math.random', line: this.#line(node) })
    }
  }

  /** The clock is read by Date.now(), Date() and new Date(); a Date made from a number is a calculation. */
  #date(node: Node): void {
    const { parent } = node
    const reads =
      (isPropertyAccessExpression(parent) && parent.name.text === 'now') ||
      (isCallExpression(parent) && parent.expression === node) ||
      (isNewExpression(parent) && (parent.arguments?.length ?? 0) === 0)
    if (reads) this.#facts.worldly.push({ name: 'Date', line: this.#line(node) })
  }

  #text(node: Node): void {
    const { text } = node as unknown as { text: string }
    if (FILE_NAME.test(text)) this.#facts.fileNames.push(text)
  }

  #call(node: Node): void {
    const { expression, arguments: args } = node as unknown as {
      expression: Node
      arguments: Node[]
    }
    const [first] = args
    if (expression.kind === SyntaxKind.ImportKeyword && first !== undefined) {
      if (isStringLiteral(first)) {
        const line = this.#line(node)
        this.#facts.imports.push({ specifier: first.text, line, typeOnly: false, names: [] })
      }
    }
    if (isPropertyAccessExpression(expression) && expression.name.text === 'only') {
      this.#facts.narrowedTests.push(this.#line(node))
    }
  }

  #statement(node: Node): void {
    if (node.kind === SyntaxKind.DebuggerStatement) this.#facts.debuggers.push(this.#line(node))
    if (isExportAssignment(node) || node.kind === SyntaxKind.DefaultKeyword) {
      if (!isSwitchDefault(node)) this.#facts.defaultExports.push(this.#line(node))
    }
    if (isPropertyAssignment(node) && node.name.getText(this.#tree) === 'only') {
      if (node.initializer.kind === SyntaxKind.TrueKeyword) {
        this.#facts.narrowedTests.push(this.#line(node))
      }
    }
  }

  #functionBody(node: Node): void {
    const { body, name } = node as { body?: Node; name?: Node }
    if (body === undefined || body.kind !== SyntaxKind.Block) return
    const lineOf = (position: number): number =>
      this.#tree.getLineAndCharacterOfPosition(position).line
    const bodyLines = lineOf(body.getEnd() - 1) - lineOf(body.getStart(this.#tree)) - 1
    const named = name?.getText(this.#tree) ?? nameFromParent(node, this.#tree)
    this.#facts.functions.push({ name: named, line: this.#line(node), bodyLines })
  }
}

function isSwitchDefault(node: Node): boolean {
  return node.parent.kind === SyntaxKind.DefaultClause
}

function nameFromParent(node: Node, tree: SourceFile): string {
  const { name } = node.parent as { name?: Node }
  if (name !== undefined) return name.getText(tree)
  return isArrowFunction(node) ? 'an arrow function' : 'a function'
}
