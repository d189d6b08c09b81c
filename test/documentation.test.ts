/**
 * The documents tell the truth: every program in them compiles, runs, and prints what it says, on
 * the ring and without it; links lead somewhere; figures name the command that measures them.
 *
 * Programs run as a user's would: in a project with the package in its node_modules, each a module
 * and a process of its own, in a folder that holds nothing but a package.json. They use the build;
 * `npm test` makes it first.
 */

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diagnose } from '../src/runtime/index.ts';
import { runFile } from './support/child.ts';
import { linkComplaints, measurementComplaints, pathComplaints } from './support/markdown.ts';
import { claimsOf, outputComplaint, programComplaints, programsIn } from './support/programs.ts';
import type { Program } from './support/programs.ts';
import { Source, listFiles, readSource, root } from './support/source-tree.ts';

const PROGRAM_TIMEOUT_MS = 10_000;
/** The ring, where there is one, and Node's own loop. */
const backends = new Set([diagnose().backend, 'libuv']);
const manifest = JSON.stringify({
  name: 'program',
  version: '1.0.0',
  private: true,
  type: 'module',
});

const files = listFiles();
const documents = files.filter((path) => path.endsWith('.md')).map(readSource);
const code = files.filter((path) => /^src\/.*\.ts$/.test(path)).map(readSource);
const programs = [...documents, ...code].flatMap(programsIn);

const markdown = (...lines: string[]): Source => new Source('docs/a.md', lines.join('\n'));
const fence = '```';

describe('programs', () => {
  let project: string;

  beforeAll(() => {
    project = mkdtempSync(join(tmpdir(), 'onering-documentation-'));
    mkdirSync(join(project, 'node_modules'));
    symlinkSync(root, join(project, 'node_modules', 'onering'));
  });

  afterAll(() => rmSync(project, { recursive: true, force: true }));

  /** Writes a program into a folder of its own, and returns the path of its module. */
  function place({ origin, code: text }: Program, variant: string): string {
    const folder = join(project, `${origin.replaceAll(/\W+/g, '-')}-${variant}`);
    const isTyped = variant === 'types';
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), manifest);
    const path = join(folder, isTyped ? 'program.ts' : 'program.js');
    writeFileSync(path, isTyped ? text : withoutTypes(text));
    return path;
  }

  function withoutTypes(text: string): string {
    const compilerOptions: ts.CompilerOptions = {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
    };
    return ts.transpileModule(text, { compilerOptions }).outputText;
  }

  /** Compiles them with the project's settings against the declarations that users get. */
  function typeComplaints(samples: readonly Program[]): string[] {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
    const { rootDir, outDir, ...settings } = config.compilerOptions;
    expect({ rootDir, outDir }).toEqual({ rootDir: '.', outDir: 'dist' });
    const { options } = ts.convertCompilerOptionsFromJson(settings, root);
    const origins = new Map(samples.map((sample) => [place(sample, 'types'), sample.origin]));
    const program = ts.createProgram([...origins.keys()], {
      ...options,
      typeRoots: [join(root, 'node_modules', '@types')],
      // Programs export nothing.
      declaration: false,
      declarationMap: false,
      isolatedDeclarations: false,
    });
    return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
      const text = ts.flattenDiagnosticMessageText(messageText, ' ');
      if (file === undefined) return text;
      const { line } = file.getLineAndCharacterOfPosition(start);
      const origin = origins.get(file.fileName) ?? relative(root, file.fileName);
      return `${origin} line ${line + 1}: ${text}`;
    });
  }

  async function runComplaints(program: Program, backend: string): Promise<string[]> {
    const path = place(program, backend);
    const {
      code: exitCode,
      stdout,
      stderr,
      isTimedOut,
    } = await runFile(path, {
      cwd: join(path, '..'),
      env: { ONERING_BACKEND: backend },
      timeoutMs: PROGRAM_TIMEOUT_MS,
    });
    const wrongOutput = outputComplaint(claimsOf(program, backend), stdout);
    return [
      ...(isTimedOut ? ['does not end'] : []),
      ...(exitCode === 0 || isTimedOut ? [] : [`exits with ${exitCode}`]),
      ...(stderr === '' ? [] : [`says on stderr: ${stderr.trim()}`]),
      ...(wrongOutput === undefined ? [] : [wrongOutput]),
    ].map((complaint) => `${program.origin} on ${backend} ${complaint}`);
  }

  async function complaintsOnAll(program: Program): Promise<string[]> {
    const complaints = [...backends].map((backend) => runComplaints(program, backend));
    return (await Promise.all(complaints)).flat();
  }

  it('are found in Markdown and in comments', () => {
    const text = markdown('# A', `${fence}ts`, 'a();', fence, `${fence}sh`, 'ls', fence);
    expect(programsIn(text)).toEqual([{ origin: 'docs/a.md:3', code: 'a();\n' }]);
    const lines = ['/**', ' * @example', ` * ${fence}ts`, ' * if (a) {', ' *   b();', ' * }'];
    const comment = new Source('src/a.ts', [...lines, ` * ${fence}`, ' */', 'f();'].join('\n'));
    expect(programsIn(comment)).toEqual([{ origin: 'src/a.ts:4', code: 'if (a) {\n  b();\n}\n' }]);
  });

  it('do not hide from being run', () => {
    expect(programComplaints(markdown(`${fence}js`, 'a();', fence))).toHaveLength(1);
    expect(programComplaints(markdown(`${fence}ts`, 'a();', fence))).toEqual([]);
    const bare = new Source('src/a.ts', '/**\n * @example\n * a();\n */');
    expect(programComplaints(bare)).toHaveLength(1);
    expect([...documents, ...code].flatMap(programComplaints)).toEqual([]);
  });

  it('make claims that are compared with their output', () => {
    const complain = (text: string, stdout: string): string | undefined =>
      outputComplaint(claimsOf({ origin: 'a', code: text }, 'uring'), stdout);
    expect(complain('console.log(1); // 1\n', '1\n')).toBeUndefined();
    expect(complain('console.log(1); // 2\n', '1\n')).toContain('claims ["2"]');
    expect(complain('console.log(1); // 1\n', '1\n2\n')).toBeDefined();
    expect(complain('console.log(1); // 1\n', '')).toBeDefined();
    expect(complain('f((x) => console.log(x)); // 1\n', '2\n')).toBeDefined();
    expect(complain('f(() => {\n  console.log("a//b"); // a\n});\n', 'a\n')).toBeUndefined();
    expect(complain('console.log(1); // 1\nconsole.log(x);\n', '1\nwhatever\n')).toBeUndefined();
    expect(complain('console.log(1); // 1\nconsole.log(x);\n', 'whatever\n')).toBeDefined();
    expect(complain('f(); // not about output\n', '')).toBeUndefined();
    expect(complain('f();\n', 'surprise\n')).toBeDefined();
  });

  it('may print on the ring alone', () => {
    const lines = ["if (ring.backend === 'uring') {", '  console.log(1); // 1', '}'];
    const sample = { origin: 'a', code: [...lines, 'console.log(2); // 2'].join('\n') };
    expect(claimsOf(sample, 'uring').lines).toEqual(['1', '2']);
    expect(claimsOf(sample, 'libuv')).toEqual({ lines: ['2'], areComplete: true });
  });

  it('are type-checked', () => {
    const wrong = { origin: 'wrong', code: "import { File } from 'onering';\nFile.open(1);\n" };
    const right = { origin: 'right', code: "import { File } from 'onering';\nvoid File;\n" };
    const complaints = typeComplaints([wrong, right, ...programs]);
    expect(complaints[0]).toMatch(/^wrong line 2: Argument of type 'number'/);
    expect(complaints.slice(1)).toEqual([]);
  }, 60_000);

  it('are refused when they fail or are noisy', async () => {
    const sample = { origin: 'sample', code: 'process.exitCode = 3;\nconsole.error(1);' };
    const [first = ''] = backends;
    expect((await complaintsOnAll(sample)).slice(0, 2)).toEqual([
      `sample on ${first} exits with 3`,
      `sample on ${first} says on stderr: 1`,
    ]);
  });

  it('exist, in the README too', () => {
    expect(programs.length).toBeGreaterThan(10);
    expect(programs.map(({ origin }) => origin.split(':')[0])).toContain('README.md');
  });

  it.each(programs)('of $origin run with the ring and without', async (program) => {
    expect(await complaintsOnAll(program)).toEqual([]);
  });
});

describe('links', () => {
  const complain = (line: string): string[] =>
    linkComplaints(markdown('# The top', line), ['docs/a.md', 'src/b/c.ts', 'README.md'], (path) =>
      path === 'README.md' ? new Source(path, '## How to `run`, quickly') : undefined,
    );

  it('are checked on samples', () => {
    expect(complain('[a](../src/b/c.ts), [b](../src/b/), [c](https://example.org/x)')).toEqual([]);
    expect(complain('[a](src/b/c.ts) and [b](../src/d)')).toEqual([
      'docs/a.md:2 links to src/b/c.ts, which does not exist',
      'docs/a.md:2 links to ../src/d, which does not exist',
    ]);
    expect(complain('[a](#the-top) [b](../README.md#how-to-run-quickly)')).toEqual([]);
    expect(complain('[a](#top)')).toHaveLength(1);
    expect(complain('[a](../README.md#run)')).toHaveLength(1);
    expect(complain('[a]: nowhere.md')).toHaveLength(1);
    expect(complain('`[a](nowhere.md)`')).toEqual([]);
  });

  it('lead somewhere', () => {
    const find = (path: string): Source | undefined =>
      documents.find((document) => document.path === path);
    expect(documents.flatMap((source) => linkComplaints(source, files, find))).toEqual([]);
  });
});

describe('paths in inline code', () => {
  it('are checked on samples', () => {
    const complain = (line: string): string[] =>
      pathComplaints(markdown(line), ['src/io/ring-file.ts', 'bench/c/echo.c']);
    expect(complain('`src/io/ring-file.ts`, `ring-file.ts`, `ring-*.ts`, `c/`, `src/io/`')).toEqual(
      [],
    );
    expect(complain('`src/io/file.ts`')).toEqual([
      'docs/a.md:1 names src/io/file.ts, which does not exist',
    ]);
    expect(complain('`file.ts`, `io/*.mjs`, `lib/`')).toHaveLength(3);
    expect(complain('`node:fs`, `dist/a.ts`, `a.b()`, `/proc/self/`')).toEqual([]);
  });

  it('exist', () => {
    expect(documents.flatMap((source) => pathComplaints(source, files))).toEqual([]);
  });
});

describe('measurements', () => {
  const table = [
    '| server | requests/s | ratio |',
    '|---|---|---|',
    '| a | 10 000 | 1.5 (1.4–1.6) |',
  ];

  it('are told from other tables', () => {
    const complain = (...lines: string[]): string[] => measurementComplaints(markdown(...lines));
    expect(complain('# A', ...table)).toEqual([
      'docs/a.md:2 is a table of measurements; ' +
        'name the command that measures it again, `npm run bench -- …`',
    ]);
    expect(complain('| what | cost |', '|---|---|', '| a call | 50 ns |')).toHaveLength(1);
    expect(complain('| what | cost, ns |', '|---|---|', '| a call | **50** |')).toHaveLength(1);
    expect(complain('| feature | since |', '|---|---|', '| resizing | 6.13 |')).toEqual([]);
    const mixed = ['| | libuv |', '|---|---|', '| resolution | 1 ms |', '| polls with | epoll |'];
    expect(complain(...mixed)).toEqual([]);
  });

  it('need their command in their own section', () => {
    const command = 'Measured with `npm run bench -- echo`.';
    expect(measurementComplaints(markdown('# A', ...table, '', command))).toEqual([]);
    expect(measurementComplaints(markdown('# A', ...table, '# B', command))).toHaveLength(1);
    const fenced = [`${fence}sh`, 'npm run bench -- echo', fence];
    expect(measurementComplaints(markdown('# A', ...fenced, ...table))).toEqual([]);
  });

  it('have it', () => {
    expect(documents.flatMap(measurementComplaints)).toEqual([]);
  });
});
