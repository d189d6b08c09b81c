/**
 * The programs that the laboratory needs, installed from Debian where that is possible.
 *
 * Installing changes the machine, so it is done only when asked for, as root, and only for what is
 * missing. What cannot be installed is `Missing`, with the names of the packages.
 */

import { findProgram, run } from './commands.ts';
import { Missing } from './missing.ts';

/** Programs, and the packages of Debian that hold them. */
const tools: Record<string, string> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  busybox: 'busybox-static',
  ldd: 'libc-bin',
  mke2fs: 'e2fsprogs',
  xz: 'xz-utils',
};

/** Throws `Missing` unless every program is there, or could be installed. */
export function ensureTools(mayInstall: boolean): void {
  const absent = Object.keys(tools).filter((name) => findProgram(name) === undefined);
  if (absent.length === 0) return;
  const packages = absent.map((name) => tools[name] ?? name);
  const names = `${absent.join(', ')} (Debian: ${packages.join(' ')})`;
  if (!mayInstall) throw new Missing(`not installed: ${names}`);
  if (process.getuid?.() !== 0) throw new Missing(`only root can install ${names}`);
  if (findProgram('apt-get') === undefined) throw new Missing(`no apt-get to install ${names}`);
  try {
    run('apt-get', ['update']);
    run('apt-get', ['install', '--yes', '--no-install-recommends', ...packages]);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Missing(`could not install ${names}: ${words}`);
  }
}
