/**
 * Door for io: the runtime, and what operations are made of.
 */

export { hasRing } from './availability.ts';
export { isStable, validateBuffer } from './addresses.ts';
export { BufferTable } from './buffer-table.ts';
export type { BufferOptions, RegisteredBuffer, SharedBuffer } from './buffer-table.ts';
export { bindSignal, cancelOperation, unbindSignal } from './cancellation.ts';
export { promiseOf, settleWithResult } from './completion-promise.ts';
export { diagnose } from './diagnosis.ts';
export type { Diagnosis, FeatureDiagnosis, FeatureName } from './diagnosis.ts';
export type { Doorbell } from './doorbell.ts';
export { rethrow } from './drain.ts';
export type { Engine } from './engine.ts';
export {
  closedError,
  codedError,
  fileTooLarge,
  fsError,
  invalidArgType,
  invalidArgValue,
  outOfRange,
  retrace,
  systemError,
  SystemError,
  UringUnavailableError,
} from './errors.ts';
export type { UnavailableReason } from './errors.ts';
export type { RuntimeEvents } from './events.ts';
export { Lease } from './lease.ts';
export type { Block } from './memory-pool.ts';
export type { RuntimeMetrics } from './metrics.ts';
export { FileTable } from './file-table.ts';
export type { KnownView } from './known-views.ts';
export type { Loan } from './lent-memory.ts';
export { MultishotOperation } from './multishot.ts';
export type { MultishotCompletion } from './multishot.ts';
export { ignoreCompletion } from './operation.ts';
export type { Complete, Operation } from './operation.ts';
export type { Scheduler } from './scheduler.ts';
export { boolean, integer, validateNames, validateObject } from './options.ts';
export type { PolledRing, PollMode } from './polled-ring.ts';
export { Napi } from './napi.ts';
export type { MinWaitOptions, NapiOptions, ResizeOptions, RuntimeOptions } from './options.ts';
export type { ResizeEvent } from './pressure.ts';
export type { ReceiveBuffers } from './receive-buffers.ts';
export { Runtime, runtime } from './runtime.ts';
export type { CompletionCallback, Resource } from './runtime.ts';
export type { SubmitOptions } from './submit.ts';
export { tickClock } from './tick-clock.ts';
export { Timer } from './timer-heap.ts';
export { Waiter } from './wait.ts';
export { Interval, Sleep } from './timers.ts';
export type { TimerQueue } from './timers.ts';
