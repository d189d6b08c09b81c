/**
 * The kernels that Debian builds for virtual machines, fetched and kept.
 *
 * apt works here with directories of its own: lists, cache and status are ours, so nothing of the
 * machine's package state is read or changed, and signatures are verified as apt always does. Only
 * the mirror is the machine's. What was fetched once is used again without asking the network.
 *
 * ```
 * <cache>/apt/                 lists and configuration of our own
 * <cache>/<name>/kernel.json   which package and release this is
 * <cache>/<name>/vmlinuz
 * <cache>/<name>/modules/      its module files, as packed
 * ```
 */

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { arch, homedir } from 'node:os';
import { join } from 'node:path';
import { findProgram, run } from './commands.ts';
import { Missing } from './missing.ts';

/** A kernel that is ready to be booted. */
export interface CachedKernel {
  /** What it was asked for by, such as `6.12`. */
  readonly name: string;
  /** The package with its version. */
  readonly package: string;
  /** What `uname -r` says. */
  readonly release: string;
  readonly image: string;
  /** The folder that holds the module files. */
  readonly modules: string;
}

/** Where which kernels are: the stable release's own, and what is built for it later. */
const suites = ['bookworm', 'bookworm-backports', 'trixie', 'trixie-backports'];
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** How long a mirror may be silent. */
const NETWORK_TIMEOUT_S = 20;

/** The folder that everything is kept in. */
function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME'] ?? '';
  return join(base === '' ? join(homedir(), '.cache') : base, 'onering-kernels');
}

/** Returns a kernel that was fetched before. */
function findCached(name: string): CachedKernel | undefined {
  const folder = join(cacheFolder(), name);
  const facts = join(folder, 'kernel.json');
  if (!existsSync(facts)) return undefined;
  const { package: packed, release } = JSON.parse(readFileSync(facts, 'utf8'));
  return {
    name,
    package: packed,
    release,
    image: join(folder, 'vmlinuz'),
    modules: join(folder, 'modules'),
  };
}

/** Debian's archive, as far as this machine can reach it. */
export class Archive {
  readonly #folder = join(cacheFolder(), 'apt');
  #isFresh = false;

  /** Returns a kernel from the cache, or fetches it first; `isNewer` fetches in any case. */
  kernel(name: string, isNewer: boolean): CachedKernel {
    const cached = findCached(name);
    if (cached !== undefined && !isNewer) return cached;
    this.#refresh();
    const packages = run('apt-cache', [...this.#options(), 'pkgnames', 'linux-image-']);
    const image = newestImage(packages.split('\n'), name);
    if (image === undefined) throw new Missing(`Debian has no kernel ${name} for the cloud now`);
    this.#fetch(name, image);
    return findCached(name) ?? cacheIsBroken(name);
  }

  #refresh(): void {
    if (this.#isFresh) return;
    if (process.platform !== 'linux' || arch() !== 'x64') {
      throw new Missing(`kernels are fetched for x86-64, this is ${process.platform} ${arch()}`);
    }
    for (const program of ['apt-get', 'apt-cache', 'dpkg-deb']) {
      if (findProgram(program) === undefined) {
        throw new Missing(`${program} is not installed: kernels come from Debian's archive`);
      }
    }
    if (!existsSync(keyring)) throw new Missing(`${keyring} is not there to verify packages with`);
    const mirror = findMirror();
    for (const folder of ['lists/partial', 'archives/partial']) {
      mkdirSync(join(this.#folder, folder), { recursive: true });
    }
    writeFileSync(join(this.#folder, 'status'), '');
    const lines = suites.map((suite) => `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
    writeFileSync(join(this.#folder, 'sources.list'), lines.join(''));
    this.#ask(['update']);
    this.#isFresh = true;
  }

  #options(): string[] {
    const settings = {
      'Dir::State': this.#folder,
      'Dir::State::lists': join(this.#folder, 'lists'),
      'Dir::State::status': join(this.#folder, 'status'),
      'Dir::Cache': this.#folder,
      'Dir::Cache::archives': join(this.#folder, 'archives'),
      'Dir::Etc::sourcelist': join(this.#folder, 'sources.list'),
      'Dir::Etc::sourceparts': '-',
      'Acquire::Languages': 'none',
      'Acquire::Retries': '2',
      'Acquire::http::Timeout': String(NETWORK_TIMEOUT_S),
      'Acquire::https::Timeout': String(NETWORK_TIMEOUT_S),
      'APT::Architecture': 'amd64',
      // Our folder may be where apt's own user cannot go.
      'APT::Sandbox::User': '',
      'APT::Update::Error-Mode': 'any',
    };
    return Object.entries(settings).map(([name, value]) => `-o${name}=${value}`);
  }

  /** A kernel is one package, or one that depends on its parts. */
  #fetch(name: string, image: string): void {
    const described = run('apt-cache', [...this.#options(), 'show', image]);
    const version = /^Version: (\S+)/m.exec(described)?.[1] ?? '';
    const parts = described.match(/\blinux-(?:base|binary|modules)-\d[\w.+~-]+/g) ?? [];
    const work = mkdtempSync(join(cacheFolder(), 'unpacking-'));
    try {
      const packages = [...new Set([image, ...parts])];
      this.#ask(['download', ...packages], work);
      for (const file of readdirSync(work).filter((entry) => entry.endsWith('.deb'))) {
        run('dpkg-deb', ['-x', join(work, file), join(work, 'tree')]);
      }
      const kernel = arrange(join(work, 'tree'), join(work, 'kernel'));
      const facts = { package: `${image} ${version}`, release: kernel };
      writeFileSync(join(work, 'kernel', 'kernel.json'), JSON.stringify(facts, null, 2));
      const target = join(cacheFolder(), name);
      rmSync(target, { recursive: true, force: true });
      renameSync(join(work, 'kernel'), target);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }

  /** Whatever goes wrong between us and a mirror is not this project's. */
  #ask(words: readonly string[], folder?: string): void {
    try {
      run('apt-get', [...this.#options(), ...words], folder);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Missing(`Debian's archive cannot be read: ${reason}`);
    }
  }
}

/** Of the images of a series, such as `6.12` or `7`, the newest. */
export function newestImage(packages: readonly string[], name: string): string | undefined {
  const series = name.replaceAll(/[^\w]/g, '\\$&');
  const pattern = new RegExp(`^linux-image-${series}\\.[0-9][\\w.+]*(?:-\\d+)?-cloud-amd64$`);
  return packages
    .filter((image) => pattern.test(image))
    .toSorted(compareVersions)
    .at(-1);
}

/** Compares the numbers in two names, one after the other. */
function compareVersions(left: string, right: string): number {
  const numbers = numbersIn(left);
  const others = numbersIn(right);
  for (let at = 0; at < Math.max(numbers.length, others.length); at += 1) {
    const difference = (numbers[at] ?? -1) - (others[at] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersIn(image: string): number[] {
  const version = image.replace(/-cloud-amd64$/, '');
  return version.match(/\d+/g)?.map(Number) ?? [];
}

/** The mirror that this machine is set up with. */
function findMirror(): string {
  const format = '$(REPO_URI)';
  const mirrors = run('apt-get', ['indextargets', '--format', format]).split('\n');
  const mirror = mirrors.find((uri) => /\/debian\/?$/.test(uri));
  if (mirror === undefined) throw new Missing('apt is set up with no mirror of Debian');
  return mirror;
}

/** Moves what a machine boots from to one folder. Returns the release. */
function arrange(tree: string, target: string): string {
  const boot = join(tree, 'boot');
  const inUsr = join(tree, 'usr', 'lib', 'modules');
  const library = existsSync(inUsr) ? inUsr : join(tree, 'lib', 'modules');
  const [release = ''] = readdirSync(library);
  mkdirSync(target);
  const image = [join(boot, `vmlinuz-${release}`), join(library, release, 'vmlinuz')];
  const found = image.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`There is no vmlinuz of ${release} in the package`);
  renameSync(found, join(target, 'vmlinuz'));
  cpSync(join(library, release), join(target, 'modules'), { recursive: true });
  return release;
}

function cacheIsBroken(name: string): never {
  throw new Error(`The kernel ${name} was unpacked and is not there`);
}
