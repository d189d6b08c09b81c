/**
 * The project's own files as data: listed by git, read as text, parsed by the TypeScript compiler.
 *
 * For the tests that watch over the tree (`tidy`, `architecture`). Paths are relative to the root
 * of the project, with forward slashes. Samples can be made from a string, so that each rule is
 * tested on a few lines before it is let loose on everything.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** The folder that holds package.json. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** One text file; TypeScript and JavaScript come with their syntax tree. */
export class Source {
  readonly path: string;
  readonly text: string;
  #tree: ts.SourceFile | undefined;

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
  }

  /** Parsed when first asked for. */
  get tree(): ts.SourceFile {
    this.#tree ??= ts.createSourceFile(this.path, this.text, ts.ScriptTarget.ES2023, true);
    return this.#tree;
  }

  /** Where a node starts, as editors and terminals like it: `path:line`. */
  at(node: ts.Node): string {
    const { line } = this.tree.getLineAndCharacterOfPosition(node.getStart(this.tree));
    return `${this.path}:${line + 1}`;
  }

  /** Every node of the tree, parents first. */
  *nodes(node: ts.Node = this.tree): Generator<ts.Node> {
    yield node;
    const children: ts.Node[] = [];
    ts.forEachChild(node, (child) => void children.push(child));
    for (const child of children) yield* this.nodes(child);
  }
}

/** What is committed and what a `git add` would take, without what is ignored or deleted. */
export function listFiles(): string[] {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const output = execFileSync('git', args, { cwd: root, encoding: 'utf8' });
  const paths = new Set(output.split('\0').filter((path) => path !== ''));
  return [...paths].filter((path) => existsSync(join(root, path))).toSorted();
}

/** Reads one file of the project. */
export function readSource(path: string): Source {
  return new Source(path, readFileSync(join(root, path), 'utf8'));
}

/** One module naming another one. */
export interface ModuleReference {
  /** A path inside the project for relative imports, else as written. */
  readonly target: string;
  readonly isTypeOnly: boolean;
  readonly isDynamic: boolean;
  readonly node: ts.Node;
}

/** What a file imports: by statement, re-export, `import()`, `require()` or `import()` type. */
export function moduleReferences(source: Source): ModuleReference[] {
  return [...source.nodes()].flatMap((node) => {
    const specifier = moduleSpecifier(node);
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return [];
    const isDynamic = ts.isCallExpression(node);
    return [
      {
        target: resolve(source.path, specifier.text),
        isTypeOnly: isTypeOnly(node),
        isDynamic,
        node,
      },
    ];
  });
}

function moduleSpecifier(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node)) {
    return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
  }
  if (!ts.isCallExpression(node)) return undefined;
  const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword;
  const isRequire = ts.isIdentifier(node.expression) && node.expression.text === 'require';
  return isImport || isRequire ? node.arguments[0] : undefined;
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isImportTypeNode(node)) return true;
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  if (!ts.isImportDeclaration(node)) return false;
  return node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
}

function resolve(from: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : specifier;
}
