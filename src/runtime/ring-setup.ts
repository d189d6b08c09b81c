/**
 * Making a ring: the ladder of set-up flags, and mapping what the kernel made.
 *
 * The newest flag is dropped first on `-EINVAL`; anything else is final. What Linux 6.1 offers is
 * required, because the scheduler relies on it: completions appear only while the owner is in
 * `enter` (`DEFER_TASKRUN`). In a worker the rings live in memory that a clean-up hook can unmap
 * (`NO_MMAP`), because nothing else of ours runs when it is terminated.
 */

import {
  EINVAL,
  IORING_FEAT_SINGLE_MMAP,
  IORING_OFF_SQES,
  IORING_OFF_SQ_RING,
  IORING_SETUP_CLAMP,
  IORING_SETUP_COOP_TASKRUN,
  IORING_SETUP_CQSIZE,
  IORING_SETUP_DEFER_TASKRUN,
  IORING_SETUP_NO_MMAP,
  IORING_SETUP_NO_SQARRAY,
  IORING_SETUP_R_DISABLED,
  IORING_SETUP_SINGLE_ISSUER,
  IORING_SETUP_SUBMIT_ALL,
  IORING_SETUP_TASKRUN_FLAG,
  readRingParams,
  SQE_SIZE,
  writeRingParams,
} from '../native/index.ts';
import type { Kernel, Memory, RingParams } from '../native/index.ts';

/** What Linux 6.1 has and the scheduler needs. */
const FLAGS_REQUIRED =
  IORING_SETUP_SINGLE_ISSUER |
  IORING_SETUP_DEFER_TASKRUN |
  IORING_SETUP_COOP_TASKRUN |
  IORING_SETUP_TASKRUN_FLAG |
  IORING_SETUP_SUBMIT_ALL |
  IORING_SETUP_CQSIZE |
  IORING_SETUP_CLAMP |
  IORING_SETUP_R_DISABLED;

/** Room before the first CQE in the ring's memory: heads, tails, masks. */
const RING_HEADER_SIZE = 128;
const CQE_SIZE = 16;

/** The memory of both rings, and of the submission entries. */
export interface RingMemory {
  readonly rings: Memory;
  readonly entries: Memory;
}

/** A ring that was just made; still disabled. */
export interface MadeRing {
  readonly fd: number;
  readonly params: RingParams;
  readonly memory: RingMemory;
}

/** How a ring is to be made. */
export interface RingRequest {
  readonly entries: number;
  readonly completionEntries: number;
  /** Rings in memory that a clean-up hook can unmap: for workers. */
  readonly usesOwnMemory: boolean;
  /** `IORING_SETUP_*` that this ring is made for: without them there is none. */
  readonly extraFlags?: number;
}

/** Makes a disabled ring. Returns `-errno` of the last attempt on failure. */
export function makeRing(kernel: Kernel, scratch: Memory, request: RingRequest): MadeRing | number {
  const required = FLAGS_REQUIRED | (request.extraFlags ?? 0);
  const optional = [IORING_SETUP_NO_SQARRAY, 0];
  const placements = request.usesOwnMemory ? [IORING_SETUP_NO_MMAP, 0] : [0];
  let failure = -EINVAL;
  for (const placement of placements) {
    for (const extra of optional) {
      const made = attempt(kernel, scratch, request, required | extra | placement);
      if (typeof made !== 'number') return made;
      failure = made;
      if (failure !== -EINVAL) return failure;
    }
  }
  return failure;
}

function attempt(
  kernel: Kernel,
  scratch: Memory,
  request: RingRequest,
  flags: number,
): MadeRing | number {
  let own: RingMemory | undefined;
  if ((flags & IORING_SETUP_NO_MMAP) !== 0) {
    const memory = allocateRingMemory(kernel, request.entries, request.completionEntries);
    if (typeof memory === 'number') return memory;
    own = memory;
  }
  writeRingParams(scratch.buffer, {
    flags,
    sqEntries: request.entries,
    cqEntries: request.completionEntries,
    ringsAddress: own?.rings.address ?? 0,
    entriesAddress: own?.entries.address ?? 0,
  });
  const fd = kernel.ioUringSetup(request.entries, scratch.address);
  if (fd < 0) {
    freeRingMemory(own);
    return fd;
  }
  kernel.closeOnExit(fd);
  const params = readRingParams(scratch.buffer);
  const memory = own ?? mapRingMemory(kernel, fd, params);
  if (typeof memory === 'number') {
    kernel.close(fd);
    return memory;
  }
  return { fd, params, memory };
}

/** Maps the rings that the kernel allocated. Returns `-errno` on failure. */
export function mapRingMemory(kernel: Kernel, fd: number, params: RingParams): RingMemory | number {
  if ((params.features & IORING_FEAT_SINGLE_MMAP) === 0) return -EINVAL;
  const array = params.sqOff.array === 0 ? 0 : params.sqOff.array + params.sqEntries * 4;
  const size = Math.max(params.cqOff.cqes + params.cqEntries * CQE_SIZE, array);
  const rings = kernel.mapRing(fd, IORING_OFF_SQ_RING, size);
  if (typeof rings === 'number') return rings;
  const entries = kernel.mapRing(fd, IORING_OFF_SQES, params.sqEntries * SQE_SIZE);
  if (typeof entries === 'number') {
    rings.free();
    return entries;
  }
  return { rings, entries };
}

/** Allocates memory for rings of these sizes, for `IORING_SETUP_NO_MMAP`. */
export function allocateRingMemory(
  kernel: Kernel,
  entriesCount: number,
  completionEntries: number,
): RingMemory | number {
  const sqEntries = nextPowerOfTwo(entriesCount);
  const cqEntries = nextPowerOfTwo(completionEntries);
  // The index array, where the kernel still has one, stands behind the completions.
  const size = RING_HEADER_SIZE + cqEntries * CQE_SIZE + sqEntries * 4;
  const rings = kernel.allocate(size);
  if (typeof rings === 'number') return rings;
  const entries = kernel.allocate(sqEntries * SQE_SIZE);
  if (typeof entries === 'number') {
    rings.free();
    return entries;
  }
  return { rings, entries };
}

export function freeRingMemory(memory: RingMemory | undefined): void {
  memory?.rings.free();
  memory?.entries.free();
}

function nextPowerOfTwo(value: number): number {
  return value <= 1 ? 1 : 2 ** Math.ceil(Math.log2(value));
}
