/**
 * The house rules, checked on every file that git knows or would add.
 *
 * A rule is a function from a file to complaints; each complaint says what to do instead, and each
 * rule carries one sample that it must refuse and one that it must accept. Rules about the project
 * as a whole follow the table. Not here: who may import what, that is `architecture.test.ts`.
 */

import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { Source, listFiles, moduleReferences, readSource, root } from './support/source-tree.ts';

interface Rule {
  readonly name: string;
  readonly applies: (path: string) => boolean;
  readonly check: (source: Source) => string[];
  readonly refused: Source;
  readonly accepted: Source;
}

const columnsMax = 100;
const functionLinesMax = 70;
const fileLinesMax = 500;
const fileSizeMax = 256 * 1024;
const imageSizeMax = 64 * 1024;
const dependencies = ['eventemitter3', 'koffi', 'p-queue'];

const isCode = (path: string): boolean => /\.(ts|mjs|c|h)$|^\.ci\/run$/.test(path);
const isScript = (path: string): boolean => /\.(ts|mjs)$/.test(path);
const isInSrc = (path: string): boolean => path.startsWith('src/') && path.endsWith('.ts');
const isProse = (path: string): boolean =>
  /\.(md|html|ts|mjs|c|h)$/.test(path) && path !== 'test/tidy.test.ts';

// Put together from halves, so that a search for them does not end here.
const [todo, fixme] = [['TO', 'DO'].join(''), ['FIX', 'ME'].join('')];
const todoWithoutIssue = new RegExp(`\\b(${todo}|${fixme})\\b(?!\\(#\\d+\\))`);

const american: readonly (readonly [british: RegExp, american: string])[] = [
  [/behaviour/i, 'behavior'],
  [/colour/i, 'color'],
  [/favour/i, 'favor'],
  [/honour/i, 'honor'],
  [/neighbour/i, 'neighbor'],
  [/centre\b/i, 'center'],
  [/licence/i, 'license'],
  [/analys(e[ds]?|ing)\b/i, 'analyze'],
  [/artefact/i, 'artifact'],
  [
    /(final|initial|maxim|minim|normal|optim|organ|recogn|serial|summar|synchron)is(e|ing|ation)/i,
    '-ize',
  ],
];

const rules: readonly Rule[] = [
  {
    name: 'lines have at most 100 columns',
    applies: isCode,
    check: (source) =>
      lineComplaints(source, (line) => {
        const columns = Array.from(line).length;
        if (columns <= columnsMax || line.includes('://')) return undefined;
        return `${columns} columns; break the line`;
      }),
    refused: new Source('src/a.ts', `// ${'x'.repeat(98)}`),
    accepted: new Source('src/a.ts', `// ${'x'.repeat(97)}`),
  },
  {
    name: 'functions have at most 70 lines',
    applies: isScript,
    check: functionLengthComplaints,
    refused: new Source('src/a.ts', `function f() {${'\n'.repeat(70)}}`),
    accepted: new Source('test/a.test.ts', `describe('f', () => {${'\n'.repeat(70)}});`),
  },
  {
    name: 'files of src have at most 500 lines',
    applies: (path) => isInSrc(path) && !path.startsWith('src/native/constants/'),
    check: ({ path, text }) => {
      const count = text.trimEnd().split('\n').length;
      return count <= fileLinesMax ? [] : [`${path} has ${count} lines; split it by noun`];
    },
    refused: new Source('src/a.ts', 'x;\n'.repeat(501)),
    accepted: new Source('src/a.ts', 'x;\n'.repeat(500)),
  },
  {
    name: 'files begin with a header',
    applies: (path) => /^(src|bin|bench|examples|scripts|test)\/.*\.(ts|mjs|c|h)$/.test(path),
    check: headerComplaints,
    refused: new Source('src/a.ts', "import './b.ts';\n/**\n * Too late.\n */\n"),
    accepted: new Source('bin/a.ts', '#!/usr/bin/env node\n/**\n * What it is.\n */\n'),
  },
  {
    name: 'what is left to do has an issue',
    applies: (path) => isCode(path) || path.endsWith('.md'),
    check: (source) =>
      lineComplaints(source, (line) =>
        todoWithoutIssue.test(line) ? `do it, or name its issue: ${todo}(#12)` : undefined,
      ),
    refused: new Source('src/a.ts', `// ${todo}: later`),
    accepted: new Source('src/a.ts', `// ${todo}(#12): later`),
  },
  {
    name: 'src does not print',
    applies: isInSrc,
    check: (source) =>
      nodeComplaints(source, (node) =>
        ts.isPropertyAccessExpression(node) && node.expression.getText() === 'console'
          ? 'emit an event, count it in the metrics, or reject'
          : undefined,
      ),
    refused: new Source('src/a.ts', 'console.log(1);'),
    accepted: new Source('src/a.ts', '// console.log is for bin\nthis.console.log(1);'),
  },
  {
    name: 'src has no clock of its own',
    applies: isInSrc,
    check: (source) =>
      nodeComplaints(source, (node) =>
        ts.isPropertyAccessExpression(node) && node.getText() === 'Date.now'
          ? 'ask the clock that the runtime was given'
          : undefined,
      ),
    refused: new Source('src/a.ts', 'const x = Date.now();'),
    accepted: new Source('src/a.ts', '// not Date.now()\nconst x = clock.now();'),
  },
  {
    name: 'types are not silenced',
    applies: (path) => isScript(path),
    check: silencedTypeComplaints,
    refused: new Source('src/a.ts', 'const x = y as any;'),
    accepted: new Source('test/a.test.ts', 'const x = y! as unknown;'),
  },
  {
    name: 'non-null assertions stay in tests',
    applies: (path) => isScript(path),
    check: silencedTypeComplaints,
    refused: new Source('src/a.ts', 'const x = y!;'),
    accepted: new Source('src/a.ts', 'const x = !y;'),
  },
  {
    name: 'TypeScript is erasable',
    applies: isScript,
    check: (source) => nodeComplaints(source, erasableComplaint),
    refused: new Source('src/a.ts', 'class A { constructor(readonly x: number) {} }'),
    accepted: new Source('src/a.ts', "declare module 'x' {} class A { readonly x = 1; }"),
  },
  {
    name: 'there are constants instead of enums',
    applies: isScript,
    check: (source) => nodeComplaints(source, erasableComplaint),
    refused: new Source('src/a.ts', 'enum E { A }'),
    accepted: new Source('src/a.ts', 'const A = 0;'),
  },
  {
    name: 'no error disappears',
    applies: isScript,
    check: (source) => nodeComplaints(source, emptyCatchComplaint),
    refused: new Source('src/a.ts', 'try { f(); } catch {}'),
    accepted: new Source('src/a.ts', 'try { f(); } catch { /* Closed already. */ }'),
  },
  {
    name: 'no rejection disappears',
    applies: isScript,
    check: (source) => nodeComplaints(source, emptyCatchComplaint),
    refused: new Source('src/a.ts', 'void f().catch(() => {});'),
    accepted: new Source('src/a.ts', 'void f().catch((error) => report(error));'),
  },
  {
    name: 'spelling is American',
    applies: isProse,
    check: (source) =>
      lineComplaints(source, (line) => {
        const entry = american.find(([british]) => british.test(line));
        return entry === undefined ? undefined : `spell it ${entry[1]}`;
      }),
    refused: new Source('README.md', 'We initialise colours.'),
    accepted: new Source('README.md', 'We initialize colors, promise.'),
  },
];

function lineComplaints(source: Source, complain: (line: string) => string | undefined): string[] {
  return source.text.split('\n').flatMap((line, index) => {
    const complaint = complain(line);
    return complaint === undefined ? [] : [`${source.path}:${index + 1} ${complaint}`];
  });
}

function nodeComplaints(source: Source, complain: (node: ts.Node) => string | undefined): string[] {
  return [...source.nodes()].flatMap((node) => {
    const complaint = complain(node);
    return complaint === undefined ? [] : [`${source.at(node)} ${complaint}`];
  });
}

/** The callback of `describe` is a chapter, not a function. */
function functionLengthComplaints(source: Source): string[] {
  return nodeComplaints(source, (node) => {
    if (!ts.isFunctionLike(node)) return undefined;
    if (ts.isCallExpression(node.parent) && /^describe\b/.test(node.parent.getText()))
      return undefined;
    const lines = node.getText().split('\n').length;
    return lines <= functionLinesMax ? undefined : `${lines} lines; give its parts names`;
  });
}

/** From 3 lines, delimiters included, to what a drawing of a lifecycle or of a layout takes. */
function headerComplaints({ path, text }: Source): string[] {
  const body = text.replace(/^#!.*\n/, '');
  const header = /^\/\*[^]*?\*\/|^(?:\/\/.*\n)+/.exec(body)?.[0].trimEnd();
  const advice = 'begin with 3 to 12 lines: what it is, what it is not, its invariants';
  return (header?.split('\n').length ?? 0) >= 3 ? [] : [`${path}: ${advice}`];
}

function silencedTypeComplaints(source: Source): string[] {
  return nodeComplaints(source, (node) => {
    if (ts.isAssertionExpression(node) && node.type.kind === ts.SyntaxKind.AnyKeyword) {
      return 'as any; narrow the type, or say unknown';
    }
    if (ts.isNonNullExpression(node) && !source.path.startsWith('test/')) {
      return 'non-null assertion; handle undefined, or assert()';
    }
    return undefined;
  });
}

function erasableComplaint(node: ts.Node): string | undefined {
  if (ts.isEnumDeclaration(node)) return 'enum; export one const each';
  if (ts.isModuleDeclaration(node) && (node.flags & ts.NodeFlags.Namespace) !== 0) {
    return 'namespace; a file is one';
  }
  if (ts.isParameter(node) && ts.isParameterPropertyDeclaration(node, node.parent)) {
    return 'parameter property; declare the field';
  }
  return undefined;
}

function emptyCatchComplaint(node: ts.Node): string | undefined {
  const advice = 'handle the error, or say in its block why it may be dropped';
  if (ts.isCatchClause(node)) return isEmpty(node.block) ? advice : undefined;
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression))
    return undefined;
  const [callback] = node.arguments;
  if (node.expression.name.text !== 'catch' || callback === undefined) return undefined;
  return ts.isArrowFunction(callback) && isEmpty(callback.body) ? advice : undefined;
}

function isEmpty(block: ts.Node): boolean {
  return /^\{\s*\}$/.test(block.getText());
}

const files = listFiles();
const textFiles = files.filter((path) => isCode(path) || isProse(path)).map(readSource);
const scripts = textFiles.filter(({ path }) => isScript(path));

describe.each(rules)('$name', ({ applies, check, refused, accepted }) => {
  it('is refused and accepted on samples', () => {
    expect(applies(refused.path)).toBe(true);
    expect(check(refused)).toHaveLength(1);
    expect(check(accepted)).toEqual([]);
  });

  it('holds in the tree', () => {
    const applicable = textFiles.filter(({ path }) => applies(path));
    expect(applicable).not.toHaveLength(0);
    expect(applicable.flatMap(check)).toEqual([]);
  });
});

describe('tests mirror src', () => {
  /** Doors, constants and files of nothing but types have nothing to run. */
  function missingMirrors(sources: readonly Source[], existing: readonly string[]): string[] {
    return sources
      .filter(({ path }) => !/\/(index|abi)\.ts$|^src\/native\/constants\//.test(path))
      .filter(({ tree }) => !tree.statements.every(isErased))
      .map(({ path }) => [path, path.replace(/^src\/(.*)\.ts$/, 'test/$1.test.ts')] as const)
      .filter(([, mirror]) => !existing.includes(mirror))
      .map(([path, mirror]) => `${path} has no test; write ${mirror}`);
  }

  function isErased(statement: ts.Statement): boolean {
    if (ts.isExportDeclaration(statement)) return statement.isTypeOnly;
    return (
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement) ||
      ts.isImportDeclaration(statement)
    );
  }

  it('is checked on a sample', () => {
    const sample = [
      new Source('src/io/a.ts', 'export const a = 1;'),
      new Source('src/io/b.ts', 'export type B = 1;'),
      new Source('src/io/index.ts', "export * from './a.ts';"),
    ];
    expect(missingMirrors(sample, ['test/io/a.test.ts'])).toEqual([]);
    expect(missingMirrors(sample, [])).toEqual([
      'src/io/a.ts has no test; write test/io/a.test.ts',
    ]);
  });

  it('holds in the tree', () => {
    const inSrc = scripts.filter(({ path }) => isInSrc(path));
    expect(missingMirrors(inSrc, files)).toEqual([]);
  });
});

describe('every preparation is tested', () => {
  function untested(preparations: readonly Source[], tests: readonly Source[]): string[] {
    const names = preparations.flatMap(({ text }) =>
      [...text.matchAll(/^export function (prep\w+)/gm)].map(([, name = '']) => name),
    );
    const words = new Set(tests.flatMap(({ text }) => text.match(/\bprep\w+/g) ?? []));
    return names
      .filter((name) => !words.has(name))
      .map((name) => `${name} is named in no test; compare its 64 bytes with the expected ones`);
  }

  it('is checked on a sample', () => {
    const sample = [new Source('src/native/prep.ts', 'export function prepNop(sqe: Sqe): void {}')];
    expect(untested(sample, [new Source('test/a.test.ts', 'prepNop(sqe);')])).toEqual([]);
    expect(untested(sample, [new Source('test/a.test.ts', 'prepNopX(sqe);')])).toHaveLength(1);
  });

  it('holds in the tree', () => {
    const preparations = scripts.filter(({ path }) => path.startsWith('src/native/prep'));
    const tests = scripts.filter(
      ({ path }) => path.startsWith('test/') && path !== 'test/tidy.test.ts',
    );
    expect(untested(preparations, tests)).toEqual([]);
  });
});

describe('koffi', () => {
  it('is named by one file', () => {
    const users = scripts
      .filter(({ path }) => isInSrc(path))
      .filter((source) => moduleReferences(source).some(({ target }) => target === 'koffi'));
    expect(users.map(({ path }) => path)).toEqual(['src/native/libc.ts']);
  });
});

describe('the public surface is documented', () => {
  const entries = [
    'src/io/index.ts',
    'src/io/fs/promises.ts',
    'src/io/net/net.ts',
    'src/io/timers-promises.ts',
  ];

  /** What users see without words, or as a class or function without an example. */
  function undocumented(program: ts.Program, paths: readonly string[]): string[] {
    const checker = program.getTypeChecker();
    return paths.flatMap((path) => {
      const file = program.getSourceFile(path);
      const module = file === undefined ? undefined : checker.getSymbolAtLocation(file);
      if (module === undefined) return [`${path} exports nothing`];
      return checker
        .getExportsOfModule(module)
        .map((symbol) => [symbol.name, symbolComplaint(checker, symbol)] as const)
        .filter(([, complaint]) => complaint !== undefined)
        .map(([name, complaint]) => `${name}, exported from ${path}, has no ${complaint}`);
    });
  }

  function symbolComplaint(checker: ts.TypeChecker, exported: ts.Symbol): string | undefined {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0;
    const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported;
    const declaration = symbol.declarations?.[0];
    // A module as a whole (`export * as prep`), a default export, something from a dependency.
    if (declaration === undefined || ts.isSourceFile(declaration)) return undefined;
    if (exported.name === 'default') return undefined;
    const { fileName } = declaration.getSourceFile();
    if (fileName.includes('/node_modules/')) return undefined;
    if (symbol.getDocumentationComment(checker).length === 0) return 'summary';
    const needsExample =
      ts.isClassDeclaration(declaration) || ts.isFunctionDeclaration(declaration);
    // What mirrors the kernel names the man page instead.
    if (!needsExample || fileName.includes('src/native/')) return undefined;
    const tags = symbol.getJsDocTags(checker).map(({ name }) => name);
    return tags.includes('example') || tags.includes('internal') ? undefined : '@example';
  }

  function sampleProgram(text: string): ts.Program {
    const options: ts.CompilerOptions = { noLib: true, noResolve: true };
    const host = ts.createCompilerHost(options);
    host.getSourceFile = (name, language) =>
      name === 'a.ts' ? ts.createSourceFile(name, text, language, true) : undefined;
    return ts.createProgram(['a.ts'], options, host);
  }

  it('is checked on samples', () => {
    const complain = (text: string): string[] => undocumented(sampleProgram(text), ['a.ts']);
    expect(complain('export function f(): void {}')).toHaveLength(1);
    expect(complain('/** Does. */ export function f(): void {}')).toEqual([
      'f, exported from a.ts, has no @example',
    ]);
    expect(complain('/** Does.\n @example\n f() */ export function f(): void {}')).toEqual([]);
    expect(complain('/** Is. */ interface I {} export type { I };')).toEqual([]);
    expect(complain('interface I {} export type { I };')).toHaveLength(1);
  });

  it('holds in the tree', () => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent({ ...config, files: entries }, ts.sys, root);
    const paths = entries.map((path) => join(root, path));
    expect(undocumented(ts.createProgram(paths, options), paths)).toEqual([]);
  });
});

describe('package.json', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

  it('has the version of the newest entry of the changelog', () => {
    const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
    expect(/^## \[(\d+\.\d+\.\d+)\]/m.exec(changelog)?.[1]).toBe(manifest.version);
  });

  it('has exactly the dependencies that were agreed on', () => {
    expect(Object.keys(manifest.dependencies).toSorted()).toEqual(dependencies);
  });
});

describe('files', () => {
  /** `content` is what there is to look for zero bytes in. */
  function fileComplaint(path: string, content: Buffer, size: number): string | undefined {
    if (path === 'package-lock.json') return undefined;
    const isImage = /^examples\/site\/.*\.(png|jpg|webp|ico|gif)$/.test(path);
    if (isImage) return size <= imageSizeMax ? undefined : `${path}: shrink it to 64 kB`;
    if (size > fileSizeMax) return `${path}: generate it, or keep it elsewhere`;
    return content.includes(0) ? `${path} is binary; keep what it is made from` : undefined;
  }

  it('are checked on samples', () => {
    const text = Buffer.from('text');
    expect(fileComplaint('src/a.ts', text, 4)).toBeUndefined();
    expect(fileComplaint('src/a.ts', text, fileSizeMax + 1)).toBeDefined();
    expect(fileComplaint('src/a.ts', Buffer.from([0]), 1)).toBeDefined();
    expect(fileComplaint('examples/site/a.png', Buffer.from([0]), 1)).toBeUndefined();
    expect(fileComplaint('examples/site/a.png', Buffer.from([0]), imageSizeMax + 1)).toBeDefined();
  });

  it('are small and text', () => {
    const complaints = files.flatMap((path) => {
      const { size } = statSync(join(root, path));
      const content = size > fileSizeMax ? Buffer.alloc(0) : readFileSync(join(root, path));
      return fileComplaint(path, content, size) ?? [];
    });
    expect(complaints).toEqual([]);
  });
});
