/**
 * Diagnosis: which backend a thread runs on and why, and which of the kernel's features are there.
 *
 * Every feature is really tried, on rings that are thrown away; see the probes. The runtime that
 * the thread has open is looked at and left alone. Where none is open, one with default options
 * is opened for the look and released before the answer is given. Where io_uring is out of reach,
 * or switched off, nothing is tried: a sandbox may kill whoever asks.
 */

import { release } from 'node:os';
import { linuxHost } from '../native/index.ts';
import type { Host, Kernel } from '../native/index.ts';
import { Engine } from './engine.ts';
import { UringUnavailableError } from './errors.ts';
import { channels } from './events.ts';
import * as registers from './feature-probes.ts';
import { resolveOptions } from './options.ts';
import type { ResolvedOptions } from './options.ts';
import type { Runtime } from './runtime.ts';
import * as sockets from './socket-probes.ts';
import { attempt } from './trial.ts';
import type { Trial } from './trial.ts';
import { permissionObjection, requestedBackend } from './unavailable.ts';

/** One feature of io_uring. */
export interface FeatureDiagnosis {
  /** Whether it was tried and worked. */
  available: boolean;
  /** Whether this thread's runtime uses it. */
  inUse: boolean;
  /** The first Linux version that has it. */
  since: string;
  /** What it is good for, or why it is not available. */
  note: string;
}

/** The names of the features that are tried. */
export type FeatureName =
  | 'deferTaskrun'
  | 'registeredWaits'
  | 'minWait'
  | 'ringResize'
  | 'memoryRegions'
  | 'hybridIopoll'
  | 'napiDynamic'
  | 'napiStatic'
  | 'sendMsgRingSync'
  | 'cloneBuffers'
  | 'cloneBuffersOffset'
  | 'nopResources'
  | 'providedBufferRings'
  | 'incrementalBuffers'
  | 'multishotAccept'
  | 'multishotReceive'
  | 'zeroCopySend'
  | 'registeredRingDescriptor'
  | 'noIowait';

/** What `diagnose()` finds out. */
export interface Diagnosis {
  /** What this thread's runtime runs on, or would if it were opened now. */
  backend: 'uring' | 'libuv';
  /** Why the backend is `'libuv'`, and what to do about it; `null` on `'uring'`. */
  reason: string | null;
  /** Release of the running kernel. */
  kernel: string;
  /** Version of the running Node. */
  node: string;
  /** Each feature by its name, in the order in which they are printed. */
  features: Record<FeatureName, FeatureDiagnosis>;
}

/** What decides whether a feature is in use. */
interface Usage {
  readonly engine: Engine;
  readonly options: ResolvedOptions;
}

interface Feature {
  readonly since: string;
  readonly note: string;
  /** Throws a `TrialFailure` where it does not work. */
  readonly tryOut: (trial: Trial) => void;
  readonly isUsed: (usage: Usage) => boolean;
}

const always = (): boolean => true;
const never = (): boolean => false;

const features: Record<FeatureName, Feature> = {
  deferTaskrun: {
    since: '6.1',
    note: 'Completions come only while the thread waits',
    tryOut: registers.tryDeferTaskrun,
    isUsed: always,
  },
  registeredWaits: {
    since: '6.13',
    note: 'Waits read their timeout from shared memory',
    tryOut: registers.tryRegisteredWaits,
    isUsed: ({ engine }) => engine.waiter.usesSlots,
  },
  minWait: {
    since: '6.12',
    note: 'Waits in two stages, with the option minWait',
    tryOut: registers.tryMinWait,
    isUsed: ({ engine, options }) => engine.waiter.hasMinWait && options.minWait.micros > 0,
  },
  ringResize: {
    since: '6.13',
    note: 'The completion queue grows under pressure',
    tryOut: registers.tryRingResize,
    isUsed: ({ engine, options }) => options.resize !== false && engine.metrics.resizesFailed === 0,
  },
  memoryRegions: {
    since: '6.13',
    note: 'Holds the slots of registered waits',
    tryOut: registers.tryMemoryRegions,
    isUsed: ({ engine }) => engine.waiter.usesSlots,
  },
  hybridIopoll: {
    since: '6.13',
    note: "Polled reads, if a file's device can. Not used",
    tryOut: registers.tryHybridIopoll,
    isUsed: never,
  },
  napiDynamic: {
    since: '6.9',
    note: 'Busy polling of network devices, with the option napi',
    tryOut: registers.tryNapiDynamic,
    isUsed: ({ engine }) => engine.napi.tracking === 'dynamic',
  },
  napiStatic: {
    since: '6.13',
    note: 'Busy polling of listed queues, with the option napi',
    tryOut: registers.tryNapiStatic,
    isUsed: ({ engine }) => engine.napi.tracking === 'static',
  },
  sendMsgRingSync: {
    since: '6.13',
    note: 'Messages to rings of other threads. Not used',
    tryOut: registers.trySendMsgRingSync,
    isUsed: never,
  },
  cloneBuffers: {
    since: '6.12',
    note: 'Rings share registered buffers. Not used',
    tryOut: registers.tryCloneBuffers,
    isUsed: never,
  },
  cloneBuffersOffset: {
    since: '6.13',
    note: 'Rings share parts of a buffer table. Not used',
    tryOut: registers.tryCloneBuffersOffset,
    isUsed: never,
  },
  nopResources: {
    since: '6.13',
    note: 'A NOP can look up what it names. Not used',
    tryOut: registers.tryNopResources,
    isUsed: never,
  },
  providedBufferRings: {
    since: '5.19',
    note: 'Sockets share receive buffers',
    tryOut: sockets.tryProvidedBufferRings,
    isUsed: always,
  },
  incrementalBuffers: {
    since: '6.12',
    note: 'Receive buffers fill piece by piece. Not used',
    tryOut: sockets.tryIncrementalBuffers,
    isUsed: never,
  },
  multishotAccept: {
    since: '5.19',
    note: 'One operation accepts every connection',
    tryOut: sockets.tryMultishotAccept,
    isUsed: always,
  },
  multishotReceive: {
    since: '6.0',
    note: 'One operation receives all data of a socket',
    tryOut: sockets.tryMultishotReceive,
    isUsed: always,
  },
  zeroCopySend: {
    since: '6.0',
    note: 'Sends without copying. Not used',
    tryOut: sockets.tryZeroCopySend,
    isUsed: never,
  },
  registeredRingDescriptor: {
    since: '5.18',
    note: 'Saves a look-up in every wait',
    tryOut: registers.tryRegisteredRingDescriptor,
    isUsed: ({ engine }) => engine.ring.usesRegisteredDescriptor,
  },
  noIowait: {
    since: '6.15',
    note: 'A waiting thread does not count as iowait',
    tryOut: registers.tryNoIowait,
    isUsed: ({ engine }) => engine.waiter.hidesIowait,
  },
};

/** This thread's open runtime: heard of on its own topics, so that asking opens none. */
let openRuntime: Runtime | null = null;
channels.open.subscribe((message) => {
  openRuntime = message as Runtime;
});
channels.close.subscribe((message) => {
  if (message === openRuntime) openRuntime = null;
});

/**
 * Finds out what this thread runs on, and tries each feature of io_uring that the package knows.
 *
 * Takes some milliseconds in which the thread does nothing else. Whatever is tried is tried on
 * rings of its own, which are gone afterwards; an open runtime goes on undisturbed. On the libuv
 * backend nothing is tried, and every feature's note is the reason.
 *
 * @returns the backend with the reason for it, versions, and a record of features.
 * @throws `ERR_INVALID_ARG_VALUE` where `ONERING_BACKEND` has a value that does not exist.
 * @example
 * ```ts
 * import { diagnose } from 'onering';
 *
 * const { backend, features } = diagnose();
 * console.log(backend, features.ringResize.available);
 * ```
 */
export function diagnose(): Diagnosis {
  if (openRuntime === null) return diagnoseDefault();
  const { engine, options, reason } = openRuntime;
  if (engine === null) return unavailable(reason);
  return available({ engine, options });
}

function diagnoseDefault(): Diagnosis {
  const backend = requestedBackend('auto');
  if (backend === 'libuv') return unavailable(null);
  const objection = backend === 'auto' ? permissionObjection() : null;
  if (objection !== null) return unavailable(objection);
  return diagnoseHost(linuxHost());
}

/**
 * Diagnoses a host that no runtime is open on, or the lack of one.
 * @internal
 */
export function diagnoseHost(host: Host | string): Diagnosis {
  if (typeof host === 'string') return unavailable(new UringUnavailableError('platform', host));
  const options = resolveOptions();
  let engine;
  try {
    engine = new Engine(host, options, { onResize() {}, onFailure() {} });
  } catch (error) {
    if (error instanceof UringUnavailableError) return unavailable(error);
    throw error;
  }
  try {
    return available({ engine, options });
  } finally {
    engine.discard();
  }
}

function available(usage: Usage): Diagnosis {
  const { kernel } = usage.engine.host;
  return report(null, (feature) => tryFeature(kernel, feature, usage));
}

/** A null error means that the environment asks for the libuv backend. */
function unavailable(error: UringUnavailableError | null): Diagnosis {
  const reason = reasonOf(error);
  return report(reason, ({ since }) => ({ available: false, inUse: false, since, note: reason }));
}

function report(
  reason: string | null,
  describe: (feature: Feature) => FeatureDiagnosis,
): Diagnosis {
  const entries = Object.entries(features).map(([name, feature]) => [name, describe(feature)]);
  return {
    backend: reason === null ? 'uring' : 'libuv',
    reason,
    kernel: release(),
    node: process.version,
    features: Object.fromEntries(entries) as Record<FeatureName, FeatureDiagnosis>,
  };
}

function tryFeature(kernel: Kernel, feature: Feature, usage: Usage): FeatureDiagnosis {
  const { since, note, tryOut, isUsed } = feature;
  const problem = attempt(kernel, tryOut);
  if (problem !== null) return { available: false, inUse: false, since, note: problem };
  return { available: true, inUse: isUsed(usage), since, note };
}

/** The reason in words that end with what to do. */
function reasonOf(error: UringUnavailableError | null): string {
  if (error === null || error.reason === 'disabled') {
    return process.env['ONERING_BACKEND'] === 'libuv'
      ? 'ONERING_BACKEND is libuv: unset it, or set it to auto, to use io_uring'
      : "The program asked for it with the option backend: 'libuv'";
  }
  if (error.reason === 'platform') {
    return `${error.message}: io_uring needs 64-bit Linux 6.1 or newer, and koffi`;
  }
  return error.message;
}
