/**
 * A read or a write on the polled storage ring, with what it takes to begin it again: a device
 * without poll queues refuses it (`EOPNOTSUPP`), and a queue that is full may (`EAGAIN`). Then it
 * runs on the thread's own ring, and its promise never knows.
 *
 * The memory is held by whichever operation is in flight: it changes hands in the completion.
 */

import { EAGAIN, EOPNOTSUPP } from '../../native/abi.ts';
import type { prepRead } from '../../native/abi.ts';
import { settleWithResult } from '../../runtime/index.ts';
import type { Operation, PolledRing, Scheduler } from '../../runtime/index.ts';

/** Who asked for it. */
export interface PolledFile {
  /** The transfer is over, whichever ring it ran on. */
  settle(operation: Operation, result: number): void;
  /** The device cannot be polled: nothing more goes to a polled ring. */
  stopPolling(): void;
  /** Begins it on the thread's own ring, for a promise that exists. */
  beginAgain(transfer: PolledTransfer, refused: Operation): void;
}

export class PolledTransfer {
  readonly file: PolledFile;
  readonly prepare: typeof prepRead;
  readonly address: number;
  readonly length: number;
  readonly position: number;

  constructor(
    file: PolledFile,
    prepare: typeof prepRead,
    address: number,
    length: number,
    position: number,
  ) {
    this.file = file;
    this.prepare = prepare;
    this.address = address;
    this.length = length;
    this.position = position;
  }

  /** Queues it on a polled ring. The caller says who owns the memory. */
  begin(scheduler: Scheduler, polled: PolledRing, fd: number, syscall: string): Operation {
    const operation = scheduler.beginPolled(polled, settlePolled, syscall);
    this.prepare(polled.sqe, fd, this.address, this.length, this.position);
    operation.context = this;
    return operation;
  }
}

function settlePolled(result: number, flags: number, operation: Operation): void {
  const transfer = operation.context as PolledTransfer;
  const { file } = transfer;
  if (result === -EOPNOTSUPP) file.stopPolling();
  if (result === -EOPNOTSUPP || result === -EAGAIN) {
    file.beginAgain(transfer, operation);
    return;
  }
  file.settle(operation, result);
  settleWithResult(result, flags, operation);
}
