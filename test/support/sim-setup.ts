/**
 * What the simulated kernel checks and writes at set-up: flags, sizes, parameters, wait regions.
 */

import * as c from '../../src/native/constants/io-uring.ts';
import { EBUSY, EFAULT, EINVAL } from '../../src/native/errno.ts';
import { SQE_SIZE } from '../../src/native/layout/sqe.ts';
import { PAGE_SIZE } from '../../src/native/memory.ts';
import type { SimMemory } from './sim-memory.ts';
import { ringFootprint, ringMemory } from './sim-ring.ts';
import type { SimRing, SimRingMemory, SimRingSizes } from './sim-ring.ts';

export const PARAMS_SIZE = 120;

/** Whether Linux accepts this combination. */
export function isValidSetup(flags: number, known: number): boolean {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  if ((flags & ~known) !== 0) return false;
  if (has(c.IORING_SETUP_DEFER_TASKRUN) && !has(c.IORING_SETUP_SINGLE_ISSUER)) return false;
  const runsCooperatively = has(c.IORING_SETUP_COOP_TASKRUN | c.IORING_SETUP_DEFER_TASKRUN);
  return !has(c.IORING_SETUP_TASKRUN_FLAG) || runsCooperatively;
}

/** The kernel's own memory, or the caller's where the parameters say it is. */
export function placeRing(
  memory: SimMemory,
  flags: number,
  sizes: SimRingSizes,
  params: DataView,
): SimRingMemory | number {
  const hasArray = (flags & c.IORING_SETUP_NO_SQARRAY) === 0;
  if ((flags & c.IORING_SETUP_NO_MMAP) === 0) return ringMemory(sizes, hasArray);
  const [size, arrayAt] = ringFootprint(sizes, hasArray);
  const rings = memory.at(Number(params.getBigUint64(112, true)), size);
  const entriesAddress = Number(params.getBigUint64(72, true));
  const entries = memory.at(entriesAddress, sizes.sqEntries * SQE_SIZE);
  if (rings === undefined || entries === undefined) return -EFAULT;
  return { rings: words(rings), entries: words(entries), arrayAt };
}

/** Writes what the kernel made of a request. */
export function writeParams(view: DataView, ring: SimRing, features: number): void {
  view.setUint32(0, ring.sizes.sqEntries, true);
  view.setUint32(4, ring.sizes.cqEntries, true);
  view.setUint32(8, ring.flags, true);
  view.setUint32(20, features, true);
  ring.writeOffsets(view);
}

/** `IORING_REGISTER_MEM_REGION`. */
export function registerRegion(memory: SimMemory, ring: SimRing, argument: number): number {
  const view = memory.at(argument, 32);
  if (view === undefined) return -EFAULT;
  const isForWaits = Number(view.getBigUint64(8, true)) === c.IORING_MEM_REGION_REG_WAIT_ARG;
  if (isForWaits && !ring.isDisabled) return -EINVAL;
  if (ring.waitRegion !== null) return -EBUSY;
  const description = memory.at(Number(view.getBigUint64(0, true)), 64);
  if (description === undefined) return -EFAULT;
  const address = Number(description.getBigUint64(0, true));
  const size = Number(description.getBigUint64(8, true));
  if (description.getUint32(16, true) !== c.IORING_MEM_REGION_TYPE_USER) return -EINVAL;
  if (address % PAGE_SIZE !== 0 || size === 0 || size % PAGE_SIZE !== 0) return -EINVAL;
  if (memory.at(address, size) === undefined) return -EFAULT;
  ring.waitRegion = { address, size };
  return 0;
}

function words(view: DataView): Int32Array {
  return new Int32Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength >> 2);
}
