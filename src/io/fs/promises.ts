/**
 * Drop-in for `node:fs/promises`: what has an opcode runs on the ring, what has none is Node's own
 * function, and without a ring everything is. COMPATIBILITY.md lists which is which.
 *
 * The door only: nothing is done here.
 */

import * as node from 'node:fs/promises';
import * as delegated from './delegated.ts';
import * as opening from './open-functions.ts';
import * as paths from './path-functions.ts';

export type { FileHandle } from 'node:fs/promises';

type Node = typeof node;

/**
 * Opens a file.
 *
 * Differs from Node: a handle that is transferred to another thread arrives there as one of Node's.
 *
 * @example
 * ```ts
 * import { open } from 'onering/fs/promises';
 *
 * const handle = await open('package.json');
 * const { bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0);
 * console.log(bytesRead); // 16
 * await handle.close();
 * ```
 * @see https://nodejs.org/api/fs.html#fspromisesopenpath-flags-mode
 */
export const open: Node['open'] = opening.open;

/**
 * Reads a whole file.
 *
 * @example
 * ```ts
 * import { readFile } from 'onering/fs/promises';
 *
 * const { type } = JSON.parse(await readFile('package.json', 'utf8'));
 * console.log(type); // module
 * ```
 * @see https://nodejs.org/api/fs.html#fspromisesreadfilepath-options
 */
export const readFile: Node['readFile'] = opening.readFile;

/**
 * Writes a whole file.
 * @see https://nodejs.org/api/fs.html#fspromiseswritefilefile-data-options
 */
export const writeFile: Node['writeFile'] = opening.writeFile;

/**
 * Appends to a file.
 * @see https://nodejs.org/api/fs.html#fspromisesappendfilepath-data-options
 */
export const appendFile: Node['appendFile'] = opening.appendFile;

/**
 * Cuts or extends a file. Linux 6.9+ on the ring; before, by Node.
 * @see https://nodejs.org/api/fs.html#fspromisestruncatepath-len
 */
export const truncate: Node['truncate'] = opening.truncate;

/**
 * Reads size, times and mode, following links; the result is an `fs.Stats` of Node's.
 *
 * @example
 * ```ts
 * import { stat } from 'onering/fs/promises';
 *
 * console.log((await stat('package.json')).isFile()); // true
 * ```
 * @see https://nodejs.org/api/fs.html#fspromisesstatpath-options
 */
export const stat: Node['stat'] = paths.stat;

/**
 * Reads size, times and mode of a link itself.
 * @see https://nodejs.org/api/fs.html#fspromiseslstatpath-options
 */
export const lstat: Node['lstat'] = paths.lstat;

/**
 * Removes a name.
 * @see https://nodejs.org/api/fs.html#fspromisesunlinkpath
 */
export const unlink: Node['unlink'] = paths.unlink;

/**
 * Gives a file another name.
 * @see https://nodejs.org/api/fs.html#fspromisesrenameoldpath-newpath
 */
export const rename: Node['rename'] = paths.rename;

/**
 * Makes a directory; with `recursive` by Node.
 * @see https://nodejs.org/api/fs.html#fspromisesmkdirpath-options
 */
export const mkdir: Node['mkdir'] = paths.mkdir;

/**
 * Removes an empty directory; with options by Node.
 * @see https://nodejs.org/api/fs.html#fspromisesrmdirpath-options
 */
export const rmdir: Node['rmdir'] = paths.rmdir;

/**
 * Gives a file a second name.
 * @see https://nodejs.org/api/fs.html#fspromiseslinkexistingpath-newpath
 */
export const link: Node['link'] = paths.link;

/**
 * Makes a symbolic link.
 * @see https://nodejs.org/api/fs.html#fspromisessymlinktarget-path-type
 */
export const symlink: Node['symlink'] = paths.symlink;

export {
  access,
  chmod,
  chown,
  copyFile,
  cp,
  glob,
  lchmod,
  lchown,
  lutimes,
  mkdtemp,
  mkdtempDisposable,
  opendir,
  readdir,
  readlink,
  realpath,
  rm,
  statfs,
  utimes,
  watch,
} from './delegated.ts';

/**
 * `fs.constants`.
 * @see https://nodejs.org/api/fs.html#fspromisesconstants
 */
export const constants: Node['constants'] = node.constants;

const { default: nodeDefault } = node as unknown as { readonly default: Node };

/** What the running Node has, in its order: names that only newer ones have are absent. */
const fsPromises: Node = { ...nodeDefault };
for (const own of [opening, paths, delegated]) {
  for (const [name, value] of Object.entries(own)) {
    if (name in fsPromises) Reflect.set(fsPromises, name, value);
  }
}

export default fsPromises;
