/**
 * The programs that may take part, and where they are: Node.js, Bun, Deno, fio, nginx.
 *
 * Found on the path, or named by an option or by an environment variable (`ONERING_BENCH_BUN=/…`).
 * What is not there is null: its rows are left out. Each has to say its version first, so that the
 * environment line can name what was measured.
 */

import { spawnSync } from 'node:child_process';

/** One program that works. */
interface Program {
  readonly path: string;
  readonly version: string;
}

export interface Programs {
  readonly node: Program;
  readonly bun: Program | null;
  readonly deno: Program | null;
  readonly fio: Program | null;
  readonly nginx: Program | null;
}

/** Paths that were given on the command line. */
export type ProgramPaths = Readonly<Partial<Record<keyof Programs, string | undefined>>>;

/** Looks for all of them. */
export function findPrograms(paths: ProgramPaths): Programs {
  return {
    node: find('node', paths.node ?? process.execPath) ?? { path: 'node', version: 'unknown' },
    bun: find('bun', paths.bun),
    deno: find('deno', paths.deno),
    fio: find('fio', paths.fio),
    nginx: find('nginx', paths.nginx, '-v'),
  };
}

function find(name: string, given: string | undefined, flag = '--version'): Program | null {
  const named = given ?? process.env[`ONERING_BENCH_${name.toUpperCase()}`];
  // Debian keeps nginx where only root's path leads.
  const candidates = named === undefined ? [name, `/usr/sbin/${name}`] : [named];
  for (const path of candidates) {
    const { status, stdout, stderr } = spawnSync(path, [flag], { encoding: 'utf8' });
    if (status !== 0) continue;
    const version = /\d+(\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? stdout.trim();
    return { path, version };
  }
  return null;
}
