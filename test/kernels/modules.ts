/**
 * Module files of a kernel: which ones a driver needs, in the order to insert them.
 *
 * Dependencies are read from the files themselves (`.modinfo`), because a package that was only
 * unpacked has no list of them. A driver that is built into the kernel needs nothing.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { filter } from './commands.ts';
import { Missing } from './missing.ts';

/** A module, ready to be inserted. */
export interface Module {
  readonly name: string;
  readonly content: Buffer;
}

/** Programs that undo what packages do to module files. */
const decompressors: Record<string, string> = { '.xz': 'xz', '.zst': 'zstd', '.gz': 'gzip' };

/** The module files under a folder of `/lib/modules`. */
export class ModuleTree {
  readonly #files = new Map<string, string>();
  readonly #builtIn: ReadonlySet<string>;

  constructor(folder: string) {
    for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (/\.ko(\.\w+)?$/.test(path)) this.#files.set(moduleName(path), join(folder, path));
    }
    const lines = readFileSync(join(folder, 'modules.builtin'), 'utf8').split('\n');
    this.#builtIn = new Set(lines.filter((line) => line !== '').map(moduleName));
  }

  /** The drivers with all that they depend on, dependencies first, each once. */
  inOrder(drivers: readonly string[]): Module[] {
    const ordered = new Map<string, Module>();
    const visit = (name: string): void => {
      if (ordered.has(name) || this.#builtIn.has(name)) return;
      const content = this.#read(name);
      for (const dependency of dependenciesOf(content)) visit(dependency);
      ordered.set(name, { name, content });
    };
    for (const driver of drivers) visit(driver);
    return [...ordered.values()];
  }

  #read(name: string): Buffer {
    const path = this.#files.get(name);
    if (path === undefined) throw new Missing(`this kernel has no module ${name}`);
    const content = readFileSync(path);
    const suffix = /\.ko(\.\w+)$/.exec(path)?.[1];
    if (suffix === undefined) return content;
    const program = decompressors[suffix];
    if (program === undefined) throw new Error(`${basename(path)} is compressed in no known way`);
    return filter(program, ['-dc'], content);
  }
}

/** Names of the modules that a module file depends on. */
export function dependenciesOf(content: Buffer): string[] {
  const marker = Buffer.from('\0depends=');
  const start = content.indexOf(marker);
  if (start === -1) return [];
  const from = start + marker.length;
  const list = content.toString('latin1', from, content.indexOf(0, from));
  return list
    .split(',')
    .filter((name) => name !== '')
    .map(moduleName);
}

/** Files are named with hyphens or underscores; modules with underscores. */
function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}
