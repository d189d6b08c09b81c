/**
 * What a simulated `enter` was asked to wait for: read from a registered slot or from the argument
 * that the kernel copies, with the checks of Linux 6.18.
 */

import * as c from '../../src/native/constants/io-uring.ts';
import { EFAULT, EINVAL } from '../../src/native/errno.ts';
import type { SimMemory } from './sim-memory.ts';
import type { SimRing } from './sim-ring.ts';

const SLOT_SIZE = 64;
const GETEVENTS_ARG_SIZE = 24;

/** A wait as the kernel understood it. */
export interface SimWait {
  readonly kind: 'plain' | 'slot' | 'copied';
  /** Byte offset of the slot. */
  readonly slotOffset: number;
  /** `Infinity` without a timeout. */
  readonly timeoutMs: number;
  /** Length of the first stage, 0 without one. */
  readonly minWaitMs: number;
  /** Address of the signal mask, 0 without one. */
  readonly sigmask: number;
}

const PLAIN: SimWait = {
  kind: 'plain',
  slotOffset: 0,
  timeoutMs: Infinity,
  minWaitMs: 0,
  sigmask: 0,
};

/** Reads the argument of an `enter`, or returns the `-errno` that it would end with. */
export function readWaitArgument(
  memory: SimMemory,
  ring: SimRing,
  flags: number,
  argument: number,
  argumentSize: number,
): SimWait | number {
  const isExtended = (flags & c.IORING_ENTER_EXT_ARG) !== 0;
  if ((flags & c.IORING_ENTER_EXT_ARG_REG) !== 0) {
    return isExtended ? readSlot(memory, ring, argument, argumentSize) : -EINVAL;
  }
  return isExtended ? readCopied(memory, argument, argumentSize) : PLAIN;
}

function readSlot(
  memory: SimMemory,
  ring: SimRing,
  slotOffset: number,
  size: number,
): SimWait | number {
  const region = ring.waitRegion;
  if (size !== SLOT_SIZE || region === null) return -EINVAL;
  if (slotOffset % 8 !== 0 || slotOffset < 0) return -EFAULT;
  if (slotOffset + SLOT_SIZE > region.size) return -EFAULT;
  const view = memory.at(region.address + slotOffset, SLOT_SIZE);
  if (view === undefined) return -EFAULT;
  const flags = view.getUint32(20, true);
  if ((flags & ~c.IORING_REG_WAIT_TS) !== 0) return -EINVAL;
  return {
    kind: 'slot',
    slotOffset,
    timeoutMs: flags === 0 ? Infinity : readTimespec(view, 0),
    minWaitMs: view.getUint32(16, true) / 1000,
    sigmask: Number(view.getBigUint64(24, true)),
  };
}

function readCopied(memory: SimMemory, argument: number, size: number): SimWait | number {
  if (size !== GETEVENTS_ARG_SIZE) return -EINVAL;
  const view = memory.at(argument, GETEVENTS_ARG_SIZE);
  if (view === undefined) return -EFAULT;
  const at = Number(view.getBigUint64(16, true));
  const timespec = at === 0 ? undefined : memory.at(at, 16);
  if (at !== 0 && timespec === undefined) return -EFAULT;
  return {
    kind: 'copied',
    slotOffset: 0,
    timeoutMs: timespec === undefined ? Infinity : readTimespec(timespec, 0),
    minWaitMs: view.getUint32(12, true) / 1000,
    sigmask: Number(view.getBigUint64(0, true)),
  };
}

/** `struct __kernel_timespec` in milliseconds; a negative one is over at once. */
function readTimespec(view: DataView, offset: number): number {
  const seconds = Number(view.getBigInt64(offset, true));
  const nanoseconds = Number(view.getBigInt64(offset + 8, true));
  return Math.max(0, seconds * 1000 + nanoseconds / 1e6);
}
