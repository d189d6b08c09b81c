/**
 * Builds the C programs of bench/c with the system's compiler: the twins (liburing) and the
 * load.
 *
 * Nothing here is needed to use or test the package, so nothing here fails for lack of a tool:
 * a program that cannot be built is null, and a note says what to install. Binaries are kept
 * under node_modules/.cache or in the user's cache, named after a hash of everything that went into
 * them, and put in place by a rename, so that concurrent builds cannot see half a file.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { packagePath } from './paths.ts';

/** Paths of the programs that could be built, and why others could not. */
export interface Twins {
  readonly nop: string | null;
  readonly echo: string | null;
  readonly storage: string | null;
  readonly sendZc: string | null;
  readonly load: string | null;
  readonly loadHttp: string | null;
  readonly loadStream: string | null;
  readonly loadUdp: string | null;
  readonly notes: readonly string[];
}

const NONE: Omit<Twins, 'notes'> = {
  nop: null,
  echo: null,
  storage: null,
  sendZc: null,
  load: null,
  loadHttp: null,
  loadStream: null,
  loadUdp: null,
};

const SOURCES = packagePath('bench/c/');
const CACHE = cacheFolder();
const HEADERS = ['measure.h', 'load.h', 'twin.h'].map((name) => path.join(SOURCES, name));
const FLAGS = ['-O2', '-std=gnu11', '-D_GNU_SOURCE', '-Wall', '-Wextra'];

/** Builds what is missing. */
export function buildTwins(): Twins {
  const compiler = findCompiler();
  if (compiler === null) {
    const note =
      'No C compiler: the C twins and everything with sockets are left out. ' +
      'Install gcc or clang, or name one in CC.';
    return { ...NONE, notes: [note] };
  }
  const notes: string[] = [];
  const build = (name: string, libraries: readonly string[] = []): string | null =>
    compile(compiler, { name, libraries, notes });
  const loads = {
    load: build('load'),
    loadHttp: build('load-http'),
    loadStream: build('load-stream'),
    loadUdp: build('load-udp'),
  };
  if (!hasLiburing(compiler)) {
    notes.push(
      'No liburing header or library: the C twins are left out. ' +
        'Install liburing-dev (Debian, Ubuntu) or liburing-devel (Fedora), 2.3 or newer.',
    );
    return { ...NONE, ...loads, notes };
  }
  const libraries = ['-luring'];
  return {
    ...loads,
    nop: build('nop', libraries),
    echo: build('echo', libraries),
    storage: build('storage', libraries),
    sendZc: build('send-zc', [...libraries, '-pthread']),
    notes,
  };
}

/** In a clone with its packages; in an installed package, the user's own. */
function cacheFolder(): string {
  const modules = packagePath('node_modules');
  if (existsSync(modules)) return path.join(modules, '.cache', 'onering-bench');
  const base = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
  return path.join(base, 'onering-bench');
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
  for (const file of [source, ...HEADERS]) hash.update(readFileSync(file));
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
