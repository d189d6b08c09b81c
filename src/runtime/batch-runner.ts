/**
 * Batch runner: runs collected completions, one after the other.
 *
 * Each finds its operation by index and generation; one that belongs to an operation that is over
 * is dropped and counted. A callback may collect more, run the rest itself, or end the program: the
 * place in the batch is kept here and not in a loop.
 *
 * Hot path: no allocation, no closures, no polymorphism per completion.
 */

import { IORING_CQE_F_MORE } from '../native/index.ts';
import type { Kernel } from '../native/index.ts';
import { CQE_WORDS } from './completion-queue.ts';
import type { CompletionQueue } from './completion-queue.ts';
import { drainMicrotasks, rethrow } from './drain.ts';
import type { Metrics } from './metrics.ts';
import type { Operation } from './operation.ts';
import { MESSAGE_INDEX } from './operation-table.ts';
import type { OperationTable } from './operation-table.ts';
import { tickClock } from './tick-clock.ts';

export class BatchRunner {
  /** Whether to drain: only where no callback of somebody else's is running. */
  drains = false;
  readonly #operations: OperationTable;
  readonly #completions: CompletionQueue;
  readonly #metrics: Metrics;
  readonly #onBatch: (() => void)[] = [];
  /** Index in the batch of the completion that runs next. */
  #next = 0;
  /** The operation whose last completion is running. */
  #ending: Operation | null = null;

  constructor(operations: OperationTable, completions: CompletionQueue, metrics: Metrics) {
    this.#operations = operations;
    this.#completions = completions;
    this.#metrics = metrics;
  }

  /** Whether nothing is in flight, but for the operation whose completion is calling. */
  get isLast(): boolean {
    return this.#operations.inFlight === (this.#ending === null ? 0 : 1);
  }

  /** Resolves when another batch has run. */
  nextBatch(): Promise<void> {
    return new Promise((resolve) => this.#onBatch.push(resolve));
  }

  /** Tells those who wait for a batch. */
  tell(): void {
    if (this.#onBatch.length === 0) return;
    for (const resolve of this.#onBatch.splice(0)) resolve();
  }

  /**
   * Runs what was collected. What callbacks cause to be collected meanwhile stays for the next run:
   * a callback that submits could otherwise go on for ever.
   */
  run(): void {
    const completions = this.#completions;
    const end = completions.count;
    if (end === 0) return;
    tickClock.beginBatch();
    while (this.#next < end && this.#next < completions.count) {
      const { batch } = completions;
      const at = this.#next * CQE_WORDS;
      this.#next += 1;
      if (batch[at] === MESSAGE_INDEX) {
        this.#deliver(batch[at + 1] ?? 0);
        continue;
      }
      const operation = this.#operations.find(batch[at] ?? 0, batch[at + 1] ?? 0);
      if (operation === undefined) {
        this.#metrics.lateCompletions += 1;
        continue;
      }
      this.#complete(operation, batch[at + 2] ?? 0, batch[at + 3] ?? 0);
    }
    this.#metrics.completions += this.#next;
    completions.keepFrom(this.#next);
    this.#next = 0;
    this.tell();
    if (this.drains) drainMicrotasks();
    tickClock.endBatch();
  }

  /** Drops what was collected and tells nobody. A descriptor that was made is closed. */
  drop(kernel: Kernel): void {
    const completions = this.#completions;
    for (; this.#next < completions.count; this.#next += 1) {
      const at = this.#next * CQE_WORDS;
      const [index = 0, generation = 0, result = 0, flags = 0] = completions.batch.subarray(at);
      const operation = this.#operations.find(index, generation);
      if (operation === undefined) continue;
      if (operation.makesDescriptor && result >= 0) kernel.close(result);
      if ((flags & IORING_CQE_F_MORE) === 0) this.#operations.release(operation);
    }
    completions.count = 0;
    this.#next = 0;
  }

  /** What another ring sent: it belongs to no operation. Listeners settle promises only. */
  #deliver(id: number): void {
    this.#metrics.messages += 1;
    try {
      this.#operations.onMessage(id);
    } catch (error) {
      rethrow(error);
    }
  }

  #complete(operation: Operation, result: number, flags: number): void {
    const { runsUserCode } = operation;
    const isLast = (flags & IORING_CQE_F_MORE) === 0;
    const outer = this.#ending;
    if (isLast) this.#ending = operation;
    try {
      operation.complete(result, flags, operation);
    } catch (error) {
      rethrow(error);
    }
    if (isLast) {
      this.#operations.release(operation);
      this.#ending = outer;
    }
    if (runsUserCode && this.drains) drainMicrotasks();
  }
}
