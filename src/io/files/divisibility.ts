/**
 * Which transfers of an open file may be done in pieces without anybody's seeing it: those of
 * regular files, through the page cache. A pipe, a socket or a device gives what it has, and a
 * second piece would wait for more; past the page cache the device copies; and writers that append
 * keep what they write together.
 *
 * Asked of the kernel once per file, when its first large transfer comes.
 */

import {
  F_GETFL,
  O_APPEND,
  O_DIRECT,
  readStatx,
  S_IFMT,
  S_IFREG,
  STATX_TYPE,
} from '../../native/abi.ts';
import type { Engine } from '../../runtime/index.ts';
import { punt } from './punted.ts';
import { statxOpen } from './statx-open.ts';

export class Divisibility {
  #reads: boolean | null = null;
  #writes = false;

  /** Whether a read, or a write, of the descriptor may be split. */
  async of(engine: Engine, fd: number, syscall: 'read' | 'write'): Promise<boolean> {
    if (this.#reads === null) await this.#ask(engine, fd);
    return syscall === 'read' ? this.#reads === true : this.#writes;
  }

  async #ask(engine: Engine, fd: number): Promise<void> {
    const flags = engine.calls.fcntl(fd, F_GETFL, 0);
    const mode = await punt(() => statxOpen(engine, fd, STATX_TYPE, modeOf));
    const isCopied = flags >= 0 && (flags & O_DIRECT) === 0;
    this.#reads = isCopied && (mode & S_IFMT) === S_IFREG;
    this.#writes = this.#reads && (flags & O_APPEND) === 0;
  }
}

function modeOf(bytes: Buffer): number {
  return readStatx(bytes).mode;
}
