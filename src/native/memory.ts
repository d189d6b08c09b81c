/**
 * Memory that V8 does not own: rings, slabs, wait regions, and everything else that the kernel may
 * touch while no JavaScript of ours runs.
 *
 * In the main thread it is an anonymous private mapping. In a worker it is a System V segment,
 * already marked for removal: `worker.terminate()` runs no JavaScript, only clean-up hooks that
 * are C functions of one argument, and `shmdt(2)` is the one call of that shape which unmaps
 * memory. The kernel keeps the pages for as long as an operation has them pinned.
 *
 * `free()` detaches the `ArrayBuffer` where JavaScript can (Node 22+), so that a view which was
 * forgotten reads nothing instead of reading memory that is gone.
 */

import { isMainThread } from 'node:worker_threads';
import { IPC_CREAT, IPC_PRIVATE, IPC_RMID } from './constants/memory.ts';
import { MADV_DONTFORK, MAP_ANONYMOUS, MAP_FAILED, MAP_POPULATE } from './constants/memory.ts';
import { MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE } from './constants/memory.ts';
import type { Libc } from './libc.ts';

export const PAGE_SIZE = 4096;

/** A piece of mapped memory. */
export interface Memory {
  /** Where it begins; a multiple of the page size. */
  readonly address: number;
  /** Bytes, a multiple of the page size. */
  readonly size: number;
  /** The same bytes for JavaScript; detached by `free()`. */
  readonly buffer: ArrayBuffer;
  /** Unmaps it. The caller has made sure that the kernel no longer uses its address. */
  free(): void;
}

/** Memory that other threads can attach as well; it goes with its last attachment. */
export interface SharedMemory extends Memory {
  /** What `attachMemory` finds it by. */
  readonly id: number;
}

/** Rounds a size up to whole pages. */
export function roundToPages(size: number): number {
  return Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
}

/** Maps zeroed memory of at least `size` bytes. Returns `-errno` on failure. */
export function allocateMemory(libc: Libc, size: number): Memory | number {
  return isMainThread ? mapPrivate(libc, size) : allocateShared(libc, size);
}

/** Maps `size` bytes of a ring's own memory. Returns `-errno` on failure. */
export function mapRing(libc: Libc, fd: number, offset: number, size: number): Memory | number {
  return map(libc, roundToPages(size), MAP_SHARED | MAP_POPULATE, fd, offset);
}

/** Maps zeroed memory, in any thread; only `free()` unmaps it. Returns `-errno` on failure. */
export function mapPrivate(libc: Libc, size: number): Memory | number {
  return map(libc, roundToPages(size), MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

function map(libc: Libc, size: number, flags: number, fd: number, offset: number): Memory | number {
  const address = libc.mmap(0, size, PROT_READ | PROT_WRITE, flags, fd, offset);
  if (address === MAP_FAILED) return -libc.errno();
  // A child between fork and exec must not inherit pages that the kernel writes to.
  libc.madvise(address, size, MADV_DONTFORK);
  return wrap(libc, address, size, () => libc.munmap(address, size));
}

/** Allocates zeroed memory that other threads can attach. Returns `-errno` on failure. */
export function allocateShared(libc: Libc, size: number): SharedMemory | number {
  const rounded = roundToPages(size);
  const id = libc.shmget(IPC_PRIVATE, rounded, IPC_CREAT | 0o600);
  if (id < 0) return -libc.errno();
  const attached = attachMemory(libc, id, rounded);
  // Marked at once: the segment goes with its last attachment, however its threads end. Linux
  // attaches what is marked.
  libc.shmctl(id, IPC_RMID, 0);
  return typeof attached === 'number' ? attached : { ...attached, id };
}

/**
 * Attaches memory that another thread allocated; each attachment has its own address, and is freed
 * by itself. Returns `-EINVAL` when it is gone.
 */
export function attachMemory(libc: Libc, id: number, size: number): Memory | number {
  const rounded = roundToPages(size);
  const address = libc.shmat(id, 0, 0);
  if (address === MAP_FAILED) return -libc.errno();
  libc.madvise(address, rounded, MADV_DONTFORK);
  const shmdt = libc.symbol('shmdt');
  libc.addCleanupHook(shmdt, address);
  return wrap(libc, address, rounded, () => {
    libc.removeCleanupHook(shmdt, address);
    libc.shmdt(address);
  });
}

function wrap(libc: Libc, address: number, size: number, unmap: () => void): Memory {
  const buffer = libc.view(address, size);
  let isMapped = true;
  return {
    address,
    size,
    buffer,
    free() {
      if (!isMapped) return;
      isMapped = false;
      detach(buffer);
      unmap();
    },
  };
}

interface Transferable {
  transfer?(size: number): ArrayBuffer;
}

/**
 * `structuredClone` will not do: memory that is not V8's own is copied by it on Node 20 and refused
 * later on. Node 20 has no other way, so there a forgotten view stays dangerous.
 */
function detach(buffer: ArrayBuffer & Transferable): void {
  buffer.transfer?.(0);
}
