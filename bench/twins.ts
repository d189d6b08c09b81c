/**
 * Builds the C programs of bench/c with the system's compiler: the twins (liburing) and the
 * load.
 *
 * Nothing here is needed to use or test the package, so nothing here fails for lack of a tool:
 * a program that cannot be built is null, and a note says what to install. Binaries are kept
 * under node_modules/.cache, named after a hash of everything that went into them, and put in
 * place by a rename, so that concurrent builds cannot see half a file.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { packagePath } from './paths.ts';

/** Paths of the programs that could be built, and why others could not. */
export interface Twins {
  readonly nop: string | null;
  readonly echo: string | null;
  readonly load: string | null;
  readonly notes: readonly string[];
}

const SOURCES = packagePath('bench/c/');
const CACHE = packagePath('node_modules/.cache/onering-bench/');
const FLAGS = ['-O2', '-std=gnu11', '-D_GNU_SOURCE', '-Wall', '-Wextra'];

/** Builds what is missing. */
export function buildTwins(): Twins {
  const compiler = findCompiler();
  if (compiler === null) {
    const note =
      'No C compiler: the C twins and the load generator are left out. ' +
      'Install gcc or clang, or name one in CC.';
    return { nop: null, echo: null, load: null, notes: [note] };
  }
  const notes: string[] = [];
  const load = compile(compiler, { name: 'load', libraries: [], notes });
  if (!hasLiburing(compiler)) {
    notes.push(
      'No liburing header or library: the C twins are left out. ' +
        'Install liburing-dev (Debian, Ubuntu) or liburing-devel (Fedora), 2.3 or newer.',
    );
    return { nop: null, echo: null, load, notes };
  }
  const libraries = ['-luring'];
  const nop = compile(compiler, { name: 'nop', libraries, notes });
  const echo = compile(compiler, { name: 'echo', libraries, notes });
  return { nop, echo, load, notes };
}

interface Program {
  readonly name: string;
  readonly libraries: readonly string[];
  readonly notes: string[];
}

function findCompiler(): string | null {
  const named = process.env['CC'];
  const candidates = named === undefined ? ['cc', 'gcc', 'clang'] : [named];
  return candidates.find((name) => spawnSync(name, ['--version']).status === 0) ?? null;
}

function hasLiburing(compiler: string): boolean {
  const input = '#include <liburing.h>\nint main(void) { return 0; }\n';
  const output = ['-o', '/dev/null', '-x', 'c', '-', '-luring'];
  return spawnSync(compiler, [...FLAGS, ...output], { input }).status === 0;
}

function compile(compiler: string, { name, libraries, notes }: Program): string | null {
  const source = path.join(SOURCES, `${name}.c`);
  const hash = createHash('sha256');
  hash.update([compiler, ...FLAGS, ...libraries].join(' '));
  for (const file of [source, path.join(SOURCES, 'twin.h')]) hash.update(readFileSync(file));
  const binary = path.join(CACHE, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(binary)) return binary;
  mkdirSync(CACHE, { recursive: true });
  const unfinished = `${binary}.${process.pid}`;
  const built = spawnSync(compiler, [...FLAGS, source, '-o', unfinished, ...libraries], {
    encoding: 'utf8',
  });
  if (built.status !== 0) {
    const reason = built.stderr.split('\n').slice(0, 3).join('\n  ');
    notes.push(`bench/c/${name}.c does not build here and is left out:\n  ${reason}`);
    return null;
  }
  renameSync(unfinished, binary);
  return binary;
}
