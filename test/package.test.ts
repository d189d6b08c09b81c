/**
 * The package as users get it: packed, unpacked into an empty project, imported, required, run.
 *
 * Nothing is fetched: the project's dependencies are links to ours, so what is imported but not
 * declared as a dependency is missed there. Needs the build; `npm test` makes it first.
 */

import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from './support/source-tree.ts';

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries: readonly string[] = Object.keys(manifest.exports)
  .filter((subpath) => subpath !== './package.json')
  .map((subpath) => subpath.replace('.', 'onering'));

let folder: string;
let project: string;
let installed: string;
let tarball: string;
let packed: Packed;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onering-package-'));
  project = join(folder, 'project');
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, '@types'), { recursive: true });
  packed = pack(folder);
  tarball = join(folder, packed.filename);
  execFileSync('tar', ['-xzf', tarball, '-C', modules]);
  installed = join(modules, 'onering');
  renameSync(join(modules, 'package'), installed);
  for (const name of [...Object.keys(manifest.dependencies), '@types/node']) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is in dist goes in; building is not this test's business. */
function pack(destination: string): Packed {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination];
  const output = execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  const parsed = JSON.parse(output);
  // A list up to npm 11, by name after it.
  return Object.values<Packed>(parsed)[0] ?? expect.unreachable('npm pack packed nothing');
}

function node(...args: string[]): string {
  return execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8', stdio: 'pipe' });
}

describe('the tarball', () => {
  it('holds the build and four files about it', () => {
    const paths = packed.files.map(({ path }) => path);
    const others = paths.filter(
      (path) => !/^dist\/(src|bin|bench)\/.*(\.js|\.js\.map|\.d\.ts)$/.test(path),
    );
    const assets = others.filter((path) => path.includes('bench/'));
    expect(assets.every((path) => /\.(c|h|css|js|md)$/.test(path))).toBe(true);
    const about = others.filter((path) => !assets.includes(path));
    expect(about.toSorted()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']);
    expect(paths).toContain('dist/src/io/index.js');
    expect(paths).toContain(manifest.bin.onering.slice('./'.length));
  });

  it('has an exports map that publint finds nothing wrong with', async () => {
    const content = new Uint8Array(readFileSync(tarball)).buffer;
    const { messages, pkg } = await publint({ pack: { tarball: content }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it('has types that resolve as its modules do', () => {
    const attw = join(root, 'node_modules', '.bin', 'attw');
    // Ends with an error, which `node` throws, when it finds a problem.
    const settings = ['--profile', 'esm-only', '--no-definitely-typed', '--format', 'ascii'];
    const output = node(attw, tarball, ...settings);
    const resolved = output.match(/node16 \(from ESM\): \S+ \(ESM\)/g) ?? [];
    expect(resolved).toHaveLength(entries.length);
  });
});

describe('the installed package', () => {
  it.each(entries)('%s has the same exports by import and by require', (entry) => {
    // Node adds `__esModule` for `require` where there is a default export, and gives only what
    // is called 'module.exports' where there is one.
    const own = "['__esModule', 'default', 'module.exports']";
    const names = `Object.keys(module).filter((name) => !${own}.includes(name))`;
    const list = `module => console.log(${names}.sort().join())`;
    const imported = node('-e', `import('${entry}').then(${list})`);
    expect(imported.trim()).not.toBe('');
    expect(node('-e', `(${list})(require('${entry}'))`)).toBe(imported);
  });

  it('shows its package.json', () => {
    expect(node('-p', "require('onering/package.json').version").trim()).toBe(manifest.version);
  });

  it('has declarations that stand on their own', () => {
    const lines = entries.map((entry, index) => `export * as entry${index} from '${entry}';`);
    writeFileSync(join(project, 'consumer.ts'), lines.join('\n'));
    const settings = ['--module', 'nodenext', '--target', 'es2023', '--strict', '--noEmit'];
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    expect(node(tsc, ...settings, '--types', 'node', 'consumer.ts')).toBe('');
  });

  it('has a command that explains itself', () => {
    const output = node(join(installed, manifest.bin.onering), '--help');
    expect(output).toContain('doctor');
    expect(output).toContain('serve DIR');
  });

  it('has its benchmarks, with C and the page, and says which ones it has not', () => {
    const command = join(installed, manifest.bin.onering);
    const page = join(project, 'page.html');
    const sizes = ['--smoke', '--depths', '1', '--only', 'c,onering-callback'];
    const output = node(command, 'bench', 'nop', ...sizes, '--html', page);
    expect(output).toContain('NOP, 1 in flight');
    expect(readFileSync(page, 'utf8')).toContain('Chart.js');
    expect(() => node(command, 'bench', 'micro')).toThrow('not in the installed package');
  });
});
