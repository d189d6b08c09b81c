/**
 * What the npm scripts begin with: brings a clone from nothing to the state that they need.
 *
 * Runs before anything is installed, so it is plain JavaScript and uses Node's built-ins only. What
 * is up to date is not done again: packages are compared with package-lock.json, dist with a
 * fingerprint of the sources. `start` ends by importing the command into this very process, so
 * that signals reach the server and its exit code is ours.
 *
 * Usage: node scripts/bootstrap.mjs install|build|start [arguments for the server]
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const fingerprintFile = join(root, 'dist', '.fingerprint');
const compiledFolders = ['src', 'bin', 'bench', 'examples', 'test/kernels'];
const buildSettings = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];

/** What the page of `onering bench --html` carries, so that an installed package has it too. */
const copiedFiles = [
  ['node_modules/chart.js/dist/chart.umd.min.js', 'dist/bench/page/chart.umd.min.js'],
  ['node_modules/chart.js/LICENSE.md', 'dist/bench/page/chart.LICENSE.md'],
];

const steps = { install, build, start };

async function start(args) {
  build();
  const command = join(root, 'dist', 'bin', 'onering.js');
  process.chdir(root);
  process.argv.splice(1, Infinity, command, 'serve', 'examples/site', ...args);
  await import(pathToFileURL(command).href);
}

function install() {
  if (isInstalled()) return;
  console.log('Installing packages from package-lock.json');
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  // The npm that runs us, which need not be the one on the path.
  const npm = process.env.npm_execpath ?? '';
  if (npm.endsWith('npm-cli.js')) run(process.execPath, [npm, ...args]);
  else run('npm', args);
}

/** Whether node_modules holds what the lock file asks for, as far as this platform needs it. */
function isInstalled() {
  const wanted = lockedPackages('package-lock.json');
  const found = lockedPackages('node_modules/.package-lock.json');
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true;
    const present = found[path];
    if (present === undefined) return entry.optional === true || entry.devOptional === true;
    const isSame = present.version === entry.version && present.integrity === entry.integrity;
    return isSame && existsSync(join(root, path));
  });
}

function lockedPackages(path) {
  const text = readText(join(root, path));
  return text === undefined ? {} : JSON.parse(text).packages;
}

function build() {
  install();
  const wanted = fingerprint();
  if (wanted === readText(fingerprintFile)) return;
  console.log('Building dist');
  run(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.build.json']);
  removeOrphans();
  for (const [from, to] of copiedFiles) copyFileSync(join(root, from), join(root, to));
  writeFileSync(fingerprintFile, wanted);
}

function fingerprint() {
  const hash = createHash('sha256');
  for (const path of [...sources(), ...buildSettings]) {
    const content = readFileSync(join(root, path));
    hash.update(`${path} ${content.length} `).update(content);
  }
  return hash.digest('hex');
}

/** Removes from dist what a source that no longer exists has left there. */
function removeOrphans() {
  const expected = new Set(sources().map((path) => `dist/${path}`));
  for (const path of filesUnder('dist')) {
    const source = path.replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
    if (!expected.has(source)) rmSync(join(root, path));
  }
}

function sources() {
  return compiledFolders.flatMap(filesUnder).filter((path) => /(?<!\.test)\.ts$/.test(path));
}

/** Paths relative to the root, with forward slashes, in a fixed order. */
function filesUnder(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .toSorted();
}

/** Runs a program in the root with our terminal, and ends with its code when it fails. */
function run(command, args) {
  const shell = process.platform === 'win32' && command === 'npm';
  const { error, status } = spawnSync(command, args, { cwd: root, shell, stdio: 'inherit' });
  if (error !== undefined) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

function readText(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

const [name = '', ...args] = process.argv.slice(2);
if (!Object.hasOwn(steps, name)) {
  console.error(`Usage: node scripts/bootstrap.mjs ${Object.keys(steps).join('|')}`);
  process.exit(2);
}
await steps[name](args);
