/**
 * Appending with group commit: callers that come while a write and its sync are under way share
 * the next ones.
 *
 *   append A ─▶ write A, sync ───────────▶ A resolves
 *   append B ──┐                          │
 *   append C ──┴── waits ──────────────── ▼ write B C, sync ─▶ B and C resolve
 *
 * - Bytes reach the file in the order of the calls, one write at a time.
 * - Nothing is acknowledged that was not written, and synced if anybody in its group asked for it.
 * - A sync that failed fails every caller that it covered, and every later one: the kernel reports
 *   lost pages once, and another sync would say that all is well.
 * - What a full disk has torn off is cut away again; where it cannot be, appending is over as well.
 *
 * It knows no kernel and no thread pool: `AppendTarget` is either.
 */

import { codedError } from '../../runtime/index.ts';

/** What is to be on the disk when a promise resolves: data, data and metadata, or neither. */
export type AppendSync = 'data' | 'full' | false;

/** What became of bytes that were to be appended. */
export interface Appended {
  /** How many of them are in the file. */
  readonly written: number;
  /** Why not all of them are. */
  readonly writeError: unknown;
  /** Why they are not on the disk. */
  readonly syncError: unknown;
}

/** A file, as far as appending is concerned. */
export interface AppendTarget {
  /** Its size now. */
  size(): Promise<number>;
  /** Writes at its end, and syncs if all of it was written. Does not reject for the kernel's no. */
  appendBytes(bytes: Uint8Array, sync: AppendSync): Promise<Appended>;
  truncate(size: number): Promise<void>;
}

interface Entry {
  readonly bytes: Uint8Array;
  readonly sync: AppendSync;
  readonly resolve: (position: number) => void;
  readonly reject: (reason: unknown) => void;
}

/** A group is one write: large enough for many callers, small enough to be copied at no cost. */
const GROUP_SIZE_MAX = 1024 * 1024;

export class AppendLog {
  readonly #target: AppendTarget;
  #waiting: Entry[] = [];
  #isRunning = false;
  /** Where the next byte goes, if nobody else writes to the file; -1 before it was asked for. */
  #end = -1;
  #failure: Error | null = null;

  constructor(target: AppendTarget) {
    this.#target = target;
  }

  /** Appends, and resolves to the position of the first byte. */
  append(bytes: Uint8Array, sync: AppendSync): Promise<number> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, sync, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      // Whoever the last group has woken wants to be in the next one.
      await afterMicrotasks();
      const group = this.#takeGroup();
      try {
        await this.#commit(group);
      } catch (error) {
        this.#fail(group, error);
      }
    }
    this.#isRunning = false;
  }

  #takeGroup(): Entry[] {
    let size = 0;
    let count = 0;
    for (const { bytes } of this.#waiting) {
      if (count > 0 && size + bytes.length > GROUP_SIZE_MAX) break;
      size += bytes.length;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #commit(group: readonly Entry[]): Promise<void> {
    if (this.#end < 0) this.#end = await this.#target.size();
    const sync = strongest(group);
    const [first] = group;
    const bytes =
      group.length === 1 && first !== undefined
        ? first.bytes
        : Buffer.concat(group.map((entry) => entry.bytes));
    const outcome = await this.#target.appendBytes(bytes, sync);
    if (outcome.syncError !== null) throw outcome.syncError;
    if (outcome.writeError === null) this.#acknowledge(group);
    else await this.#salvage(group, sync, outcome);
  }

  #acknowledge(group: readonly Entry[]): void {
    for (const { bytes, resolve } of group) {
      resolve(this.#end);
      this.#end += bytes.length;
    }
  }

  /** Some were written whole: they are synced and acknowledged. The others are taken back. */
  async #salvage(group: readonly Entry[], sync: AppendSync, outcome: Appended): Promise<void> {
    let size = 0;
    let count = 0;
    for (const { bytes } of group) {
      if (size + bytes.length > outcome.written) break;
      size += bytes.length;
      count += 1;
    }
    const torn = outcome.written - size;
    if (torn > 0) await this.#cut(this.#end + size, torn);
    const whole = group.slice(0, count);
    if (count > 0 && sync !== false) {
      const { syncError } = await this.#target.appendBytes(new Uint8Array(0), sync);
      if (syncError !== null) throw syncError;
    }
    this.#acknowledge(whole);
    for (const { reject } of group.slice(count)) reject(outcome.writeError);
  }

  async #cut(size: number, torn: number): Promise<void> {
    // Not where somebody else has written behind it.
    if ((await this.#target.size()) !== size + torn) throw new Error('The file has other writers');
    await this.#target.truncate(size);
  }

  /** Nothing is known any more about what the file holds. */
  #fail(group: readonly Entry[], error: unknown): void {
    this.#failure ??= unsafe(error);
    for (const { reject } of group) reject(error);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}

function strongest(group: readonly Entry[]): AppendSync {
  let sync: AppendSync = false;
  for (const entry of group) {
    if (entry.sync === 'full') return 'full';
    if (entry.sync === 'data') sync = 'data';
  }
  return sync;
}

function unsafe(cause: unknown): Error {
  const message =
    'Appending is not safe any more: an earlier sync failed, or a torn write could not be cut off';
  return Object.assign(codedError('ERR_APPEND_UNSAFE', message), { cause });
}

/** Resolves when every microtask that is queued, and what they queue, has run. */
function afterMicrotasks(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
