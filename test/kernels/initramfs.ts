/**
 * The first and only file system of a machine: busybox, Node with its libraries, this package as
 * built with its dependencies, the programs of `guest/`, and the modules of one kernel.
 *
 * `/init` sets up what a system has and hands over to `guest/main.ts`. Results leave through the
 * second serial line, the kernel's own words through the first.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import type { CachedKernel } from './archive.ts';
import { requireProgram, run } from './commands.ts';
import { CpioWriter } from './cpio.ts';
import { ModuleTree } from './modules.ts';

/** Drivers that are modules in some of the kernels, and their parameters. */
const drivers: Record<string, string> = {
  virtio_pci: '',
  virtio_net: '',
  // The format of ext4's quotas.
  quota_v2: '',
  // Two queues of each kind, memory behind them, completion by polling on the poll queues.
  null_blk: 'nr_devices=1 gb=1 queue_mode=2 submit_queues=2 poll_queues=2 memory_backed=1',
};
/** What of the project goes in. */
const folders = ['dist/src', 'dist/bin', 'dist/test/kernels/guest', 'test/confinement/programs'];

/** Writes the archive for a kernel. `root` is the folder of this project's package.json. */
export function writeInitramfs(path: string, root: string, kernel: CachedKernel): void {
  const archive = new CpioWriter(path);
  archive.characterDevice('/dev/console', 5, 1);
  for (const folder of ['/proc', '/sys', '/tmp', '/mnt/ext4']) archive.directory(folder);
  archive.file('/etc/hosts', '127.0.0.1 localhost\n::1 localhost\n');
  archive.file('/etc/passwd', 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n');
  archive.file('/etc/group', 'root:x:0:\nnogroup:x:65534:\n');
  addPrograms(archive, packagesOf(root));
  addPackage(archive, root);
  const modules = new ModuleTree(kernel.modules).inOrder(Object.keys(drivers));
  for (const { name, content } of modules) archive.file(`/modules/${name}.ko`, content);
  archive.file('/init', initScript(modules.map(({ name }) => name)), true);
  archive.end();
}

function initScript(modules: readonly string[]): string {
  const lines = [
    '#!/bin/busybox sh',
    'export PATH=/bin HOME=/tmp',
    '/bin/busybox --install -s /bin',
    'mount -t proc proc /proc',
    'mount -t sysfs sysfs /sys',
    'mount -t devtmpfs devtmpfs /dev',
    'mount -t tmpfs tmpfs /tmp',
    'mount -t debugfs debugfs /sys/kernel/debug',
    'stty -F /dev/ttyS1 raw -echo',
    ...modules.map((name) => `insmod /modules/${name}.ko ${drivers[name] ?? ''}`.trimEnd()),
    'ip link set lo up',
    'for n in 0 1; do case $(cat /sys/class/nvme/nvme$n/serial) in',
    'onering-ext4*) mount -t ext4 -o usrquota /dev/nvme${n}n1 /mnt/ext4;; esac; done',
    'cd /app',
    'node dist/test/kernels/guest/main.js > /dev/ttyS1',
    'poweroff -f',
  ];
  return `${lines.join('\n')}\n`;
}

/** Programs, native modules, and the libraries that either is linked to, where they are. */
function addPrograms(archive: CpioWriter, packages: readonly string[]): void {
  const busybox = requireProgram('busybox');
  archive.copy('/bin/busybox', busybox);
  archive.copy('/bin/node', process.execPath);
  const native = packages.flatMap((folder) => nativeModulesIn(folder));
  const linked = new Set([busybox, process.execPath, ...native].flatMap(librariesOf));
  for (const library of linked) archive.copy(library, library);
}

/** The dynamic loader included; nothing for a program that is linked statically. */
function librariesOf(program: string): string[] {
  let lines: string[];
  try {
    lines = run('ldd', [program]).split('\n');
  } catch (error) {
    if (error instanceof Error && error.message.includes('not a dynamic')) return [];
    throw error;
  }
  return lines.flatMap((line) => /(?:=> |^\s+)(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

function addPackage(archive: CpioWriter, root: string): void {
  archive.file('/app/package.json', readFileSync(join(root, 'package.json')));
  for (const folder of folders) {
    addFolder(archive, join(root, folder), `/app/${folder}`, /\.m?js$/);
  }
  for (const folder of packagesOf(root)) {
    const target = `/app/${relative(root, folder)}`;
    addFolder(archive, folder, target, /\.(js|cjs|mjs|json)$|linux_\w+\/.*\.node$/);
  }
}

function addFolder(archive: CpioWriter, source: string, target: string, wanted: RegExp): void {
  for (const path of filesUnder(source)) {
    if (wanted.test(path)) archive.file(`${target}/${path}`, readFileSync(join(source, path)));
  }
}

function nativeModulesIn(folder: string): string[] {
  return filesUnder(folder)
    .filter((path) => /linux_\w+\/.*\.node$/.test(path))
    .map((path) => join(folder, path));
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

/** Folders of the packages that this one needs to run, as Node finds them. */
function packagesOf(root: string): string[] {
  const found = new Set<string>();
  const visit = (from: string): void => {
    const manifest = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
    const names = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
    for (const name of names) {
      const folder = findPackage(from, name);
      // Binaries for other platforms are not installed.
      if (folder === undefined || found.has(folder)) continue;
      found.add(folder);
      visit(folder);
    }
  };
  visit(root);
  return [...found];
}

function findPackage(from: string, name: string): string | undefined {
  const places = createRequire(join(from, 'package.json')).resolve.paths(name) ?? [];
  return places
    .map((place) => join(place, name))
    .find((folder) => existsSync(join(folder, 'package.json')));
}
