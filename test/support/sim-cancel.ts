/**
 * Cancellation in the simulated kernel: by `user_data`, by descriptor, or anything at all, as an
 * operation (`ASYNC_CANCEL`) or at once (`SYNC_CANCEL`).
 *
 * A canceled operation completes with `-ECANCELED`. One whose `isCancelable` is false stays as it
 * is, like work that a kernel thread has already begun: `-EALREADY`.
 */

import * as c from '../../src/native/constants/io-uring.ts';
import { EALREADY, ECANCELED, ENOENT, ETIME } from '../../src/native/errno.ts';
import type { SimOperation } from './sim-operation.ts';
import type { SimRing } from './sim-ring.ts';

/** Does what an `ASYNC_CANCEL` entry asks for, and returns its result. */
export function cancel(ring: SimRing, request: SimOperation): number {
  const [low = 0, high = 0] = request.words.subarray(4, 6);
  return take(
    ring,
    request.opFlags,
    request.fd,
    (operation) => {
      return operation !== request && operation.low === low && operation.high === high;
    },
    request,
  );
}

/** `IORING_REGISTER_SYNC_CANCEL`: waits as long as it is told for what cannot be canceled. */
export function cancelSynchronously(
  ring: SimRing,
  view: DataView,
  wait: (ms: number) => void,
): number {
  const low = view.getInt32(0, true);
  const high = view.getInt32(4, true);
  const flags = view.getUint32(12, true);
  const seconds = Number(view.getBigInt64(16, true));
  const nanoseconds = Number(view.getBigInt64(24, true));
  const attempt = (): number =>
    take(ring, flags, view.getInt32(8, true), (operation) => {
      return operation.low === low && operation.high === high;
    });
  const result = attempt();
  if (result !== -EALREADY) return result;
  wait(seconds * 1000 + nanoseconds / 1e6);
  return attempt() === -EALREADY ? -ETIME : 0;
}

function take(
  ring: SimRing,
  flags: number,
  fd: number,
  isNamed: (operation: SimOperation) => boolean,
  request?: SimOperation,
): number {
  const takesAll = (flags & (c.IORING_ASYNC_CANCEL_ALL | c.IORING_ASYNC_CANCEL_ANY)) !== 0;
  let count = 0;
  let isTooLate = false;
  for (const operation of ring.inFlight) {
    if (operation === request || operation.opcode === c.IORING_OP_ASYNC_CANCEL) continue;
    const isMatch =
      (flags & c.IORING_ASYNC_CANCEL_ANY) !== 0 ||
      ((flags & c.IORING_ASYNC_CANCEL_FD) !== 0 ? operation.fd === fd : isNamed(operation));
    if (!isMatch) continue;
    if (!operation.isCancelable) {
      isTooLate = true;
      continue;
    }
    operation.complete(-ECANCELED);
    count += 1;
    if (!takesAll) return 0;
  }
  if (isTooLate) return -EALREADY;
  if (count === 0) return -ENOENT;
  return takesAll ? count : 0;
}
