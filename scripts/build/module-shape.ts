// The import and export statements of a compiled module, taken apart, so that its body can stand in a function.
import {
  isClassDeclaration,
  isExportAssignment,
  isExportDeclaration,
  isFunctionDeclaration,
  isIdentifier,
  isImportDeclaration,
  isNamedExports,
  isNamedImports,
  isVariableStatement,
  type Node,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast'

export interface NamePair {
  /** As the other module knows it; of an export, the name inside. */
  readonly inner: string
  readonly outer: string
}

/** `import { a as b } from 'x'` has inner `a` and outer `b`. */
export interface ImportStatement {
  readonly start: number
  readonly end: number
  readonly specifier: string
  readonly names: readonly NamePair[]
  /** Local name of `* as`. */
  readonly namespace: string | null
}

/** `export { a as b }`, with or without `from`; `export *`. */
export interface ExportStatement {
  readonly start: number
  readonly end: number
  readonly specifier: string | null
  /** Null for `*`. */
  readonly names: readonly NamePair[] | null
}

export interface ModuleShape {
  readonly imports: readonly ImportStatement[]
  readonly exports: readonly ExportStatement[]
  /** `export` before a declaration: what is cut to leave the declaration. */
  readonly keywords: readonly { readonly start: number; readonly end: number }[]
  /** Names of such declarations. */
  readonly declared: readonly string[]
  /** What cannot stand in a function, or can change after it was exported. */
  readonly problems: readonly string[]
}

interface Modified {
  readonly modifiers?: readonly Node[]
}

export function shapeOf(tree: SourceFile): ModuleShape {
  const reader = new ShapeReader(tree)
  tree.forEachChild((node) => reader.statement(node))
  return reader
}

class ShapeReader implements ModuleShape {
  readonly imports: ImportStatement[] = []
  readonly exports: ExportStatement[] = []
  readonly keywords: { start: number; end: number }[] = []
  readonly declared: string[] = []
  readonly problems: string[] = []
  readonly #tree: SourceFile

  constructor(tree: SourceFile) {
    this.#tree = tree
  }

  statement(node: Node): void {
    if (isImportDeclaration(node)) this.#import(node)
    else if (isExportDeclaration(node)) this.#export(node)
    else if (isExportAssignment(node)) this.problems.push('has a default export')
    else this.#declaration(node)
  }

  #import(node: Node): void {
    const { importClause, moduleSpecifier } = node as unknown as {
      importClause?: { name?: Node; namedBindings?: Node }
      moduleSpecifier: Node
    }
    const bindings = importClause?.namedBindings
    const names: NamePair[] = []
    if (importClause?.name) names.push({ inner: 'default', outer: this.#text(importClause.name) })
    let namespace: string | null = null
    if (bindings !== undefined && isNamedImports(bindings)) {
      for (const element of bindings.elements) names.push(this.#pair(element))
    } else if (bindings !== undefined) {
      namespace = this.#text((bindings as unknown as { name: Node }).name)
    }
    this.imports.push({ ...this.#span(node), specifier: text(moduleSpecifier), names, namespace })
  }

  #export(node: Node): void {
    const { exportClause, moduleSpecifier } = node as unknown as {
      exportClause?: Node
      moduleSpecifier?: Node
    }
    const specifier = moduleSpecifier === undefined ? null : text(moduleSpecifier)
    let names: NamePair[] | null = null
    if (exportClause !== undefined) {
      if (isNamedExports(exportClause)) names = exportClause.elements.map((one) => this.#pair(one))
      else this.problems.push('exports a whole module under a name')
    }
    this.exports.push({ ...this.#span(node), specifier, names })
  }

  #declaration(node: Node): void {
    const keyword = (node as Modified).modifiers?.find(
      ({ kind }) => kind === SyntaxKind.ExportKeyword,
    )
    if (keyword === undefined) return
    const { start, end } = this.#span(keyword)
    this.keywords.push({ start, end: end + 1 })
    if (isFunctionDeclaration(node) || isClassDeclaration(node)) {
      if (node.name === undefined) this.problems.push('has a default export')
      else this.declared.push(this.#text(node.name))
    } else if (isVariableStatement(node)) this.#variables(node)
    else this.problems.push(`exports a statement of kind ${node.kind}`)
  }

  #variables(node: Node): void {
    const { declarationList } = node as unknown as {
      declarationList: { declarations: readonly { name: Node }[] } & Node
    }
    if (!this.#text(declarationList).startsWith('const ')) {
      this.problems.push('exports a variable that can change')
    }
    for (const { name } of declarationList.declarations) {
      if (isIdentifier(name)) this.declared.push(this.#text(name))
      else this.problems.push('exports a pattern')
    }
  }

  #pair(element: unknown): NamePair {
    const { name, propertyName } = element as { name: Node; propertyName?: Node }
    return { inner: this.#text(propertyName ?? name), outer: this.#text(name) }
  }

  #text(node: Node): string {
    return node.getText(this.#tree)
  }

  #span(node: Node): { start: number; end: number } {
    return { start: node.getStart(this.#tree), end: node.getEnd() }
  }
}

function text(node: Node): string {
  return (node as unknown as { text: string }).text
}
