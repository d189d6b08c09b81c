/**
 * Metrics: plain counters that the layers below add to, and the snapshot that users read.
 *
 * Counters only ever grow; rates are the reader's business. All fields are numbers set in the
 * constructor, so adding to one is a single store.
 */

import type { Engine } from './engine.ts';

/** Counters of one runtime. */
export class Metrics {
  /** Turns of the host loop in which the scheduler ran. */
  turns = 0;
  ticks = 0;
  /** Ticks that were allowed to sleep in `io_uring_enter`. */
  waits = 0;
  /** Waits that ended before they slept, because spinning saw something. */
  busyWaitHits = 0;
  completions = 0;
  /** Messages of other rings: each wakes a channel of this thread. */
  messages = 0;
  /** Completions of operations that were over: dropped. */
  lateCompletions = 0;
  /** Completions that the kernel had no memory to keep. */
  lostCompletions = 0;
  /** Ticks that found completions waiting outside of a full completion queue. */
  completionOverflows = 0;
  /** Times the submission queue was full and had to be submitted early. */
  fullSubmissionQueues = 0;
  /** Calls of `enter` that the kernel asked to repeat. */
  submitRetries = 0;
  resizesGrown = 0;
  resizesShrunk = 0;
  resizesFailed = 0;
  timersFired = 0;
  /** Operations that a signal aborted while they were in flight. */
  aborts = 0;
  /** Multishot operations that ended early and were armed again. */
  multishotRearms = 0;
  /** Multishot operations that were stopped because their consumer was far behind. */
  multishotPauses = 0;
  /** Receives that found no provided buffer. */
  buffersExhausted = 0;
  /** Reads and writes that went to a polled storage ring. */
  polledOperations = 0;
  /** Those of them that a device without poll queues refused: they ran on the ordinary ring. */
  polledRetries = 0;
  /** Device queues that were listed for NAPI busy poll, and taken off the list again. */
  napiIdsAdded = 0;
  napiIdsRemoved = 0;
  /** Sockets that received data from no device queue: NAPI busy poll does nothing for them. */
  napiSocketsWithoutId = 0;
  /** Pieces that were to be lent and were copied, because too many receive buffers were out. */
  leasesCopied = 0;
  /** Milliseconds spent in waits, sleeping or about to. */
  waitedMs = 0;
}

/** What `Runtime.metrics()` returns: counters since the start, and the present state. */
export interface RuntimeMetrics extends Readonly<Metrics> {
  readonly backend: 'uring' | 'libuv';
  /** Calls of `io_uring_enter(2)`. */
  readonly enters: number;
  /** Operations begun since the start. */
  readonly operations: number;
  /** Operations that somebody waits for. */
  readonly inFlight: number;
  /** Timers that are set. */
  readonly timers: number;
  /**
   * Times that this thread gave the processor up to wait, in the ring or elsewhere: what busy
   * waiting and NAPI busy poll save.
   */
  readonly sleeps: number;
  /** Receive buffers that are on lease now. */
  readonly leased: number;
  /** Present size of the submission queue. */
  readonly entries: number;
  /** Present size of the completion queue. */
  readonly completionEntries: number;
  /**
   * Share of the time since the start in which the loop was not waiting: what
   * `performance.eventLoopUtilization()` cannot know, because our wait looks busy to it.
   */
  readonly utilization: number;
}

/** Reads the counters of an engine; all zero without one. */
export function snapshotOf(backend: 'uring' | 'libuv', engine: Engine | null): RuntimeMetrics {
  if (engine === null) {
    return {
      ...new Metrics(),
      backend,
      enters: 0,
      operations: 0,
      inFlight: 0,
      timers: 0,
      sleeps: 0,
      leased: 0,
      entries: 0,
      completionEntries: 0,
      utilization: 0,
    };
  }
  const { metrics, ring, scheduler } = engine;
  const aliveMs = scheduler.nowMs() - engine.openedMs;
  return {
    ...metrics,
    backend,
    enters: ring.enterCount + scheduler.polled.enterCount,
    operations: scheduler.begun,
    inFlight: scheduler.inFlight,
    timers: scheduler.timerCount,
    sleeps: engine.sleeps,
    leased: engine.leased,
    entries: ring.submissions.entries,
    completionEntries: ring.completions.entries,
    utilization: aliveMs > 0 ? Math.max(0, 1 - metrics.waitedMs / aliveMs) : 0,
  };
}
