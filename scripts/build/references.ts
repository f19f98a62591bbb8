// Every place of a compiled file that names another file: imports, types, workers, files read at run time.
import {
  isCallExpression,
  isExportDeclaration,
  isIdentifier,
  isImportDeclaration,
  isImportTypeNode,
  isLiteralTypeNode,
  isMetaProperty,
  isNewExpression,
  isNoSubstitutionTemplateLiteral,
  isPropertyAccessExpression,
  isStringLiteral,
  isTemplateExpression,
  type Node,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast'

export interface Reference {
  /** `statement`: an import or export. `module`: resolved as these are. `file`: beside the file that names it. */
  readonly kind: 'statement' | 'module' | 'file'
  readonly specifier: string
  /** What the text between quotes is: of `./worker.${suffix}` only the beginning is known. */
  readonly whole: boolean
  /** Where the text between the quotes stands. */
  readonly start: number
  readonly end: number
}

export interface References {
  readonly found: readonly Reference[]
  /** Uses of import.meta and of import() that could name a file which nobody would ship. */
  readonly unknown: readonly string[]
}

/** Collects from the syntax tree of a .js or .d.ts file. */
export function collectReferences(tree: SourceFile): References {
  const collector = new Collector(tree)
  tree.forEachChild((node) => collector.visit(node))
  return { found: collector.found, unknown: collector.unknown }
}

class Collector {
  readonly found: Reference[] = []
  readonly unknown: string[] = []
  readonly #tree: SourceFile

  constructor(tree: SourceFile) {
    this.#tree = tree
  }

  visit(node: Node): void {
    if (isImportDeclaration(node) || isExportDeclaration(node)) {
      const { moduleSpecifier } = node as { moduleSpecifier?: Node }
      if (moduleSpecifier !== undefined) this.#add('statement', moduleSpecifier)
    } else if (isImportTypeNode(node)) {
      const { argument } = node
      if (isLiteralTypeNode(argument)) this.#add('module', argument.literal)
    } else if (isCallExpression(node)) this.#call(node)
    else if (isNewExpression(node)) this.#new(node)
    else if (isMetaProperty(node)) this.#meta(node)
    node.forEachChild((child) => this.visit(child))
  }

  #call(node: Node): void {
    const { expression, arguments: args } = node as unknown as {
      expression: Node
      arguments: readonly Node[]
    }
    const [first] = args
    if (first === undefined) return
    const text = expression.getText(this.#tree)
    const isImport = expression.kind === SyntaxKind.ImportKeyword
    if (isImport && !this.#add('module', first)) this.#unknown(node)
    const isRequire = isIdentifier(expression) && text === 'require'
    const isMade = text === 'createRequire(import.meta.url)'
    if (isRequire || isMade) {
      const named = isStringLiteral(first) && first.text.startsWith('.') ? 'file' : 'module'
      if (!this.#add(named, first)) this.#unknown(node)
    }
  }

  #new(node: Node): void {
    const { expression, arguments: args } = node as unknown as {
      expression: Node
      arguments?: readonly Node[]
    }
    const [first, second] = args ?? []
    if (first === undefined || second?.getText(this.#tree) !== 'import.meta.url') return
    if (expression.getText(this.#tree) !== 'URL' || !this.#add('file', first)) this.#unknown(node)
  }

  /** What is done with import.meta must be one of the forms above, or harmless. */
  #meta(node: Node): void {
    const access = node.parent
    const user = access.parent
    if (!isPropertyAccessExpression(access)) return this.#unknown(user)
    const { text: name } = access.name
    if (name !== 'url') return this.#unknown(user)
    const text = user.getText(this.#tree)
    const known =
      isNewExpression(user) ||
      text === 'createRequire(import.meta.url)' ||
      text === 'import.meta.url.endsWith'
    if (!known) this.#unknown(user)
  }

  #add(kind: Reference['kind'], node: Node): boolean {
    if (isStringLiteral(node) || isNoSubstitutionTemplateLiteral(node)) {
      const end = node.getEnd() - 1
      const start = node.getStart(this.#tree) + 1
      this.found.push({ kind, specifier: node.text, whole: true, start, end })
      return true
    }
    if (kind === 'file' && isTemplateExpression(node)) {
      const { head } = node
      const start = head.getStart(this.#tree) + 1
      const end = start + head.text.length
      this.found.push({ kind, specifier: head.text, whole: false, start, end })
      return true
    }
    return false
  }

  #unknown(node: Node): void {
    const { line } = this.#tree.getLineAndCharacterOfPosition(node.getStart(this.#tree))
    this.unknown.push(`line ${line + 1}: ${node.getText(this.#tree).slice(0, 100)}`)
  }
}
