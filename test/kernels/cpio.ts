/**
 * A writer of cpio archives in the form that the kernel unpacks into its first file system.
 *
 * The "newc" format: a header of 110 characters, the name, the content, each padded to 4 bytes.
 * Uncompressed, since unpacking costs an emulated processor more than reading does. Everything
 * belongs to root; times are zero, so that the same content gives the same archive.
 *
 * See Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
 */

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { posix } from 'node:path';

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFCHR = 0o020000;
const TRAILER = 'TRAILER!!!';

interface Entry {
  readonly mode: number;
  readonly device?: readonly [major: number, minor: number];
}

/** One archive, written as it is filled. Parent directories appear by themselves. */
export class CpioWriter {
  readonly #fd: number;
  readonly #directories = new Set(['.', '/']);
  #inode = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'w');
  }

  directory(path: string): void {
    if (this.#directories.has(path)) return;
    this.#parent(path);
    this.#directories.add(path);
    this.#write(path, Buffer.alloc(0), { mode: S_IFDIR | 0o755 });
  }

  /** Adds a file with this content. */
  file(path: string, content: Buffer | string, isExecutable = false): void {
    this.#parent(path);
    const mode = S_IFREG | (isExecutable ? 0o755 : 0o644);
    this.#write(path, Buffer.from(content), { mode });
  }

  /** Adds a copy of a file of the host's. */
  copy(path: string, source: string): void {
    this.file(path, readFileSync(source), true);
  }

  link(path: string, target: string): void {
    this.#parent(path);
    this.#write(path, Buffer.from(target), { mode: S_IFLNK | 0o777 });
  }

  characterDevice(path: string, major: number, minor: number): void {
    this.#parent(path);
    this.#write(path, Buffer.alloc(0), { mode: S_IFCHR | 0o600, device: [major, minor] });
  }

  /** Ends the archive and closes its file. */
  end(): void {
    this.#write(TRAILER, Buffer.alloc(0), { mode: 0 });
    closeSync(this.#fd);
  }

  #parent(path: string): void {
    const parent = posix.dirname(path);
    if (!this.#directories.has(parent)) this.directory(parent);
  }

  #write(path: string, content: Buffer, { mode, device = [0, 0] }: Entry): void {
    this.#inode += 1;
    // The kernel unpacks below its root: names have no slash in front.
    const name = Buffer.from(`${path.replace(/^\//, '')}\0`);
    const links = 1;
    const [major, minor] = device;
    const numbers = [this.#inode, mode, 0, 0, links, 0, content.length, 0, 0, major, minor];
    const fields = [...numbers, name.length, 0].map((number) =>
      number.toString(16).padStart(8, '0'),
    );
    const head = Buffer.concat([Buffer.from(`070701${fields.join('')}`), name]);
    this.#append(pad(head));
    this.#append(pad(content));
  }

  #append(data: Buffer): void {
    for (let at = 0; at < data.length; at += writeSync(this.#fd, data, at));
  }
}

function pad(data: Buffer): Buffer {
  const missing = (4 - (data.length % 4)) % 4;
  return missing === 0 ? data : Buffer.concat([data, Buffer.alloc(missing)]);
}
