/**
 * The layering rules: `io -> runtime -> native -> koffi`, and what else may import what.
 *
 * One table says it all; the first row whose pattern fits a file counts, and what the row does not
 * list is refused. To allow an import, change the row and say why in the change. Not here: rules
 * about the text inside one file, those are in `tidy.test.ts`.
 */

import { describe, expect, it } from 'vitest';
import ts from 'typescript';
import { Source, listFiles, moduleReferences, readSource } from './support/source-tree.ts';

interface Row {
  /** The importing files. A `*` in a pattern stands for anything, slashes too. */
  readonly files: string;
  /** What they may import: paths of the project, built-ins, packages. */
  readonly may: readonly string[];
  /** What else they may import as types. */
  readonly mayAsTypes?: readonly string[];
}

const pure = ['src/native/assert.ts', 'src/native/constants/*', 'src/native/layout/*'];
const runtimeOwn = [
  'src/runtime/*',
  'src/native/index.ts',
  'eventemitter3',
  'node:async_hooks',
  'node:diagnostics_channel',
  'node:worker_threads',
];
const ioOwn = ['src/io/*', 'src/runtime/index.ts', 'src/native/abi.ts', 'p-queue'];
const ioBuiltins = [
  'node:async_hooks',
  'node:buffer',
  'node:events',
  'node:path',
  'node:stream',
  'node:url',
  'node:util',
];

const rows: readonly Row[] = [
  { files: 'src/native/constants/*', may: ['src/native/constants/*'] },
  { files: 'src/native/layout/*', may: pure },
  { files: 'src/native/prep*', may: [...pure, 'src/native/prep*'] },
  { files: 'src/native/abi.ts', may: [...pure, 'src/native/prep*', 'src/native/errno.ts'] },
  { files: 'src/native/libc.ts', may: ['koffi', 'node:module', 'src/native/assert.ts'] },
  // A built-in of Node's that is not for import, and may be missing.
  { files: 'src/native/callback-scope.ts', may: ['node:module', 'node:_http_common'] },
  {
    files: 'src/native/*',
    may: ['src/native/*', 'node:os', 'node:perf_hooks', 'node:util', 'node:worker_threads'],
  },
  // Reads what the administrator has set under /proc/sys.
  { files: 'src/runtime/unavailable.ts', may: [...runtimeOwn, 'node:fs'] },
  { files: 'src/runtime/errors.ts', may: [...runtimeOwn, 'node:util'] },
  // Asks how large the heap is.
  { files: 'src/runtime/heap-ballast.ts', may: [...runtimeOwn, 'node:v8'] },
  // Names the machine that it reports about.
  { files: 'src/runtime/diagnosis.ts', may: [...runtimeOwn, 'node:os'] },
  { files: 'src/runtime/*', may: runtimeOwn },
  // Node's own implementation, for systems without a ring.
  { files: 'src/io/*/node-*.ts', may: [...ioOwn, 'node:*'] },
  // Node's numbers for flags and modes.
  { files: 'src/io/files/arguments.ts', may: [...ioOwn, ...ioBuiltins, 'node:fs'] },
  // Names are looked up, and addresses told apart, as everywhere in Node.
  {
    files: 'src/io/tcp/address.ts',
    may: [...ioOwn, ...ioBuiltins, 'node:dns/promises', 'node:fs', 'node:net'],
  },
  // How many can copy at a time.
  { files: 'src/io/files/pieces.ts', may: [...ioOwn, 'node:os'] },
  { files: 'src/io/files/read-error.ts', may: [...ioOwn, 'node:fs/promises'] },
  { files: 'src/io/files/file-stats.ts', may: [...ioOwn, ...ioBuiltins, 'node:fs'] },
  // The drop-in hands to Node what is not for the ring.
  {
    files: 'src/io/fs/*',
    may: [...ioOwn, ...ioBuiltins, 'node:fs', 'node:fs/promises', 'node:os'],
  },
  { files: 'src/io/timers-promises.ts', may: [...ioOwn, ...ioBuiltins, 'node:timers/promises'] },
  // A port carries a channel to another thread; V8 serializes what the channel does not know.
  {
    files: 'src/io/channel/*',
    may: [...ioOwn, ...ioBuiltins, 'node:v8', 'node:worker_threads'],
  },
  { files: 'src/io/*', may: [...ioOwn, ...ioBuiltins], mayAsTypes: ['node:*'] },
  { files: 'bin/*', may: ['bin/*', 'src/io/*', 'onering*', 'node:*'] },
  { files: 'examples/*', may: ['examples/*', 'onering*', 'node:*'] },
  { files: 'bench/micro/*', may: ['bench/*', 'src/*', 'onering*', 'tinybench', 'node:*'] },
  { files: 'bench/*', may: ['bench/*', 'onering*', 'tinybench', 'node:*'] },
];

function layeringComplaints(source: Source): string[] {
  const row = rows.find(({ files }) => fits(source.path, files));
  if (row === undefined)
    return [`${source.path} is in no layer; move it to where the table knows it`];
  return moduleReferences(source)
    .filter(({ target, isTypeOnly }) => {
      const allowed = isTypeOnly ? [...row.may, ...(row.mayAsTypes ?? [])] : row.may;
      return !allowed.some((pattern) => fits(target, pattern));
    })
    .map(({ target, node }) => `${source.at(node)} imports ${target}, which ${row.files} may not`);
}

function fits(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+/]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}

function doorComplaints(source: Source): string[] {
  const layer = /^src\/\w+\//.exec(source.path)?.[0];
  if (layer === undefined) return [];
  return moduleReferences(source)
    .filter(({ target }) => target === `${layer}index.ts`)
    .map(({ node }) => `${source.at(node)} imports its own layer's door; name the file instead`);
}

function testImportComplaints(source: Source): string[] {
  if (source.path.startsWith('test/')) return [];
  return moduleReferences(source)
    .filter(({ target }) => target.startsWith('test/'))
    .map(({ node }) => `${source.at(node)} imports from test/; move what is shared out of it`);
}

/** `require()` of the package works only while nothing in it is loaded asynchronously. */
function asynchronousLoadingComplaints(source: Source): string[] {
  const imports = moduleReferences(source)
    .filter(({ isDynamic, node }) => isDynamic && ts.isCallExpression(node))
    .filter(
      ({ node }) => (node as ts.CallExpression).expression.kind === ts.SyntaxKind.ImportKeyword,
    )
    .map(({ node }) => `${source.at(node)} uses import(); import it at the top`);
  const awaits = [...source.nodes()]
    .filter(
      (node) => ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier),
    )
    .filter((node) => ts.findAncestor(node, ts.isFunctionLike) === undefined)
    .map((node) => `${source.at(node)} awaits at top level; do it in a function`);
  return [...imports, ...awaits];
}

/**
 * Each cycle once, as the list of files from the first one back to it. Imports of types are erased
 * and close no cycle: a part may name the type of what it belongs to.
 */
function findCycles(sources: readonly Source[]): string[][] {
  const edges = new Map(
    sources.map((source) => {
      const references = moduleReferences(source).filter(({ isTypeOnly }) => !isTypeOnly);
      return [source.path, references.map(({ target }) => target)];
    }),
  );
  const cycles: string[][] = [];
  const finished = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    const start = trail.indexOf(path);
    if (start !== -1) cycles.push([...trail.slice(start), path]);
    if (start !== -1 || finished.has(path)) return;
    trail.push(path);
    for (const target of edges.get(path) ?? []) visit(target);
    trail.pop();
    finished.add(path);
  };
  for (const path of edges.keys()) visit(path);
  return cycles;
}

const files = listFiles().filter((path) => /^(src|bin|examples|bench)\/.*\.ts$/.test(path));
const sources = files.map(readSource);
const inSrc = sources.filter(({ path }) => path.startsWith('src/'));

describe('layers', () => {
  it('reports an import that points upwards or sideways', () => {
    const complain = (path: string, text: string): string[] =>
      layeringComplaints(new Source(path, text));
    expect(complain('src/runtime/ring.ts', "import { x } from '../io/file.ts';")).toEqual([
      'src/runtime/ring.ts:1 imports src/io/file.ts, which src/runtime/* may not',
    ]);
    expect(complain('src/runtime/ring.ts', "import { x } from '../native/libc.ts';")).toHaveLength(
      1,
    );
    expect(complain('src/native/ring.ts', "const k = require('koffi');")).toHaveLength(1);
    expect(complain('src/io/file.ts', "export { x } from '../native/index.ts';")).toHaveLength(1);
    expect(complain('src/io/file.ts', "import { x } from 'node:net';")).toHaveLength(1);
    expect(complain('src/loose.ts', '')).toHaveLength(1);
    expect(complain('bench/echo.ts', "import { x } from '../src/io/index.ts';")).toHaveLength(1);
  });

  it('accepts what the table lists', () => {
    const complain = (path: string, text: string): string[] =>
      layeringComplaints(new Source(path, text));
    expect(complain('src/native/libc.ts', "import type Koffi from 'koffi';")).toEqual([]);
    expect(complain('src/runtime/ring.ts', "import { x } from '../native/index.ts';")).toEqual([]);
    expect(complain('src/io/file.ts', "import type { Socket } from 'node:net';")).toEqual([]);
    expect(complain('examples/a.ts', "import { runtime } from 'onering';")).toEqual([]);
    expect(complain('examples/a.ts', "import x from 'onering/timers/promises';")).toEqual([]);
  });

  it('hold in the tree', () => {
    expect(sources.flatMap(layeringComplaints)).toEqual([]);
  });
});

describe('doors', () => {
  it('are not used from inside', () => {
    const inside = new Source('src/io/file.ts', "import { x } from './index.ts';");
    expect(doorComplaints(inside)).toHaveLength(1);
    const outside = new Source('src/io/file.ts', "import { x } from '../runtime/index.ts';");
    expect(doorComplaints(outside)).toEqual([]);
    expect(sources.flatMap(doorComplaints)).toEqual([]);
  });
});

describe('tests', () => {
  it('are imported by nothing', () => {
    const sample = new Source('src/io/file.ts', "import { x } from '../../test/support/x.ts';");
    expect(testImportComplaints(sample)).toHaveLength(1);
    expect(sources.flatMap(testImportComplaints)).toEqual([]);
  });
});

describe('loading', () => {
  it('is synchronous', () => {
    const complain = (text: string): string[] =>
      asynchronousLoadingComplaints(new Source('src/io/file.ts', text));
    expect(complain("const x = import('node:fs');")).toHaveLength(1);
    expect(complain('await x;')).toHaveLength(1);
    expect(complain('for await (const x of y) z();')).toHaveLength(1);
    expect(complain("async function f(x: import('node:net').Socket) { await x; }")).toEqual([]);
    expect(inSrc.flatMap(asynchronousLoadingComplaints)).toEqual([]);
  });
});

describe('import cycles', () => {
  it('are found', () => {
    const a = new Source('src/io/a.ts', "import { b } from './b.ts';");
    const b = new Source('src/io/b.ts', "import { c } from './c.ts';");
    const c = new Source('src/io/c.ts', "export { a } from './a.ts';");
    const typed = new Source('src/io/c.ts', "import type { A } from './a.ts';");
    expect(findCycles([a, b, typed])).toEqual([]);
    expect(findCycles([a, b, c])).toEqual([
      ['src/io/a.ts', 'src/io/b.ts', 'src/io/c.ts', 'src/io/a.ts'],
    ]);
  });

  it('do not exist', () => {
    expect(findCycles(sources)).toEqual([]);
  });
});
