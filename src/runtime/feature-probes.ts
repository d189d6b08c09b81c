/**
 * Probes of what `io_uring_setup`, `io_uring_enter` and `io_uring_register` offer.
 *
 * Each does the thing itself on throw-away rings, and returns if the kernel did what it should;
 * otherwise it throws a `TrialFailure`. Feature bits and version numbers alone prove nothing: there
 * are kernels with features switched off, and emulations that accept everything.
 */

import {
  EBADF,
  EBUSY,
  ECANCELED,
  ETIME,
  IO_URING_NAPI_REGISTER_OP,
  IO_URING_NAPI_STATIC_ADD_ID,
  IO_URING_NAPI_STATIC_DEL_ID,
  IO_URING_NAPI_TRACKING_DYNAMIC,
  IO_URING_NAPI_TRACKING_STATIC,
  IORING_ENTER_NO_IOWAIT,
  IORING_FEAT_NO_IOWAIT,
  IORING_MEM_REGION_TYPE_USER,
  IORING_NOP_FILE,
  IORING_REGISTER_BUFFERS,
  IORING_REGISTER_CLONE_BUFFERS,
  IORING_REGISTER_DST_REPLACE,
  IORING_REGISTER_MEM_REGION,
  IORING_REGISTER_NAPI,
  IORING_REGISTER_SEND_MSG_RING,
  IORING_SETUP_DEFER_TASKRUN,
  IORING_SETUP_HYBRID_IOPOLL,
  IORING_SETUP_IOPOLL,
  IORING_UNREGISTER_BUFFERS,
  IORING_UNREGISTER_NAPI,
  IOSQE_IO_LINK,
  PAGE_SIZE,
  prepMsgRing,
  prepNop,
  setSqeFlags,
  Sqe,
  writeCloneBuffers,
  writeMemRegionReg,
  writeNapi,
  writeRegionDesc,
  writeRingParams,
} from '../native/index.ts';
import type { Memory } from '../native/index.ts';
import { accepted, demand } from './trial.ts';
import type { Trial, TrialRing } from './trial.ts';

/** Larger than the smallest id on any kernel; no device needs to have it. */
const NAPI_ID = 1 << 20;
const NAPI_MICROS = 50;
const IOVEC_SIZE = 16;

/** Linux 6.1+. */
export function tryDeferTaskrun(trial: Trial): void {
  const ring = trial.ring();
  demand(
    (ring.ring.flags & IORING_SETUP_DEFER_TASKRUN) !== 0,
    'The ring lacks IORING_SETUP_DEFER_TASKRUN',
  );
  roundTrip(ring);
}

/** Linux 6.13+. */
export function tryRegisteredWaits(trial: Trial): void {
  const ring = trial.ring(true);
  demand(ring.waiter.usesSlots, 'The kernel takes no region for wait arguments');
  const result = ring.waiter.waitFor(1, 1, 0);
  demand(result === -ETIME, 'A wait on a slot did not time out');
  roundTrip(ring);
}

/** Linux 6.12+. */
export function tryMinWait(trial: Trial): void {
  const FIRST_STAGE_MICROS = 500;
  const TIMEOUT_MS = 1000;
  const ring = trial.ring();
  demand(ring.waiter.hasMinWait, 'The kernel does not report IORING_FEAT_MIN_TIMEOUT');
  ring.begin(prepNop);
  const startedMs = trial.kernel.nowMs();
  // Two are asked for and one comes: it has to be enough after the first stage.
  accepted(ring.waiter.waitFor(TIMEOUT_MS, 2, FIRST_STAGE_MICROS), 'io_uring_enter');
  const elapsedMs = trial.kernel.nowMs() - startedMs;
  demand(elapsedMs < TIMEOUT_MS / 2, 'A wait in two stages ignored the first one');
}

/** Linux 6.13+. */
export function tryRingResize(trial: Trial): void {
  const ring = trial.ring();
  const before = ring.ring.completions.entries;
  accepted(ring.ring.resize(before * 2), 'IORING_REGISTER_RESIZE_RINGS');
  demand(ring.ring.completions.entries === before * 2, 'The completion queue kept its size');
  roundTrip(ring);
}

/** Linux 6.13+. */
export function tryMemoryRegions(trial: Trial): void {
  const ring = trial.ring();
  const region = trial.pages(1);
  accepted(registerRegion(ring, region), 'IORING_REGISTER_MEM_REGION');
  // A ring has one region: the kernel remembers the first.
  demand(registerRegion(ring, region) === -EBUSY, 'The kernel took no note of the region');
}

/** Linux 6.13+. Whether a device can be polled shows when one of its files is read. */
export function tryHybridIopoll(trial: Trial): void {
  const params = trial.pages(1);
  writeRingParams(params.buffer, {
    flags: IORING_SETUP_IOPOLL | IORING_SETUP_HYBRID_IOPOLL,
    sqEntries: 0,
    cqEntries: 0,
    ringsAddress: 0,
    entriesAddress: 0,
  });
  trial.own(accepted(trial.kernel.ioUringSetup(1, params.address), 'io_uring_setup'));
}

/** Linux 6.9+. */
export function tryNapiDynamic(trial: Trial): void {
  const ring = trial.ring();
  napi(ring, IO_URING_NAPI_REGISTER_OP, IO_URING_NAPI_TRACKING_DYNAMIC);
  unregisterNapi(ring);
}

/** Linux 6.13+. */
export function tryNapiStatic(trial: Trial): void {
  const ring = trial.ring();
  napi(ring, IO_URING_NAPI_REGISTER_OP, IO_URING_NAPI_TRACKING_STATIC);
  napi(ring, IO_URING_NAPI_STATIC_ADD_ID, NAPI_ID);
  napi(ring, IO_URING_NAPI_STATIC_DEL_ID, NAPI_ID);
  unregisterNapi(ring);
}

/** Linux 6.13+. */
export function trySendMsgRingSync(trial: Trial): void {
  const TAG = 1000;
  const VALUE = 42;
  const target = trial.ring();
  const message = trial.pages(1);
  prepMsgRing(new Sqe(new Int32Array(message.buffer), 0), target.ring.fd, VALUE, TAG, 0, 0);
  const { kernel } = trial;
  const sent = kernel.ioUringRegister(-1, IORING_REGISTER_SEND_MSG_RING, message.address, 1);
  accepted(sent, 'IORING_REGISTER_SEND_MSG_RING');
  demand(target.take(TAG).result === VALUE, 'The message arrived with another value');
}

/** Linux 6.12+. */
export function tryCloneBuffers(trial: Trial): void {
  const source = trial.ring();
  const target = trial.ring();
  registerBuffers(source, trial.pages(1), 1);
  cloneBuffers(source, target, { flags: 0, sourceOffset: 0, targetOffset: 0, count: 0 });
  unregisterBuffers(target);
}

/** Linux 6.13+. */
export function tryCloneBuffersOffset(trial: Trial): void {
  const source = trial.ring();
  const target = trial.ring();
  const memory = trial.pages(2);
  registerBuffers(source, memory, 2);
  registerBuffers(target, memory, 2);
  cloneBuffers(source, target, {
    flags: IORING_REGISTER_DST_REPLACE,
    sourceOffset: 1,
    targetOffset: 0,
    count: 1,
  });
  unregisterBuffers(target);
}

/**
 * Linux 6.13+: earlier kernels do not look at what a NOP names, or refuse the flag. Until a fix of
 * 2026 the error is not in the result; that the NOP has failed shows in what is linked to it.
 */
export function tryNopResources(trial: Trial): void {
  const ring = trial.ring();
  const first = ring.begin((sqe) => {
    prepNop(sqe, IORING_NOP_FILE, 0, -1);
    setSqeFlags(sqe, IOSQE_IO_LINK);
  });
  const second = ring.begin(prepNop);
  const { result } = ring.take(first);
  demand(result === -EBADF || result === 0, 'A NOP does not look its descriptor up');
  const isBroken = ring.take(second).result === -ECANCELED;
  demand(isBroken, 'A NOP does not look its descriptor up');
}

/** Linux 5.18+. */
export function tryRegisteredRingDescriptor(trial: Trial): void {
  const ring = trial.ring();
  demand(ring.ring.usesRegisteredDescriptor, 'The kernel registers no ring descriptor');
  roundTrip(ring);
}

/** Linux 6.15+. */
export function tryNoIowait(trial: Trial): void {
  const { ring } = trial.ring();
  const isReported = (ring.features & IORING_FEAT_NO_IOWAIT) !== 0;
  demand(isReported, 'The kernel does not report IORING_FEAT_NO_IOWAIT');
  accepted(ring.enter(0, IORING_ENTER_NO_IOWAIT, 0, 0), 'io_uring_enter');
}

function roundTrip(ring: TrialRing): void {
  accepted(ring.run(prepNop).result, 'IORING_OP_NOP');
}

function registerRegion({ ring }: TrialRing, region: Memory): number {
  const DESCRIPTION_AT = 64;
  const { buffer, address } = ring.scratch;
  writeRegionDesc(buffer, DESCRIPTION_AT, {
    userAddress: region.address,
    size: region.size,
    flags: IORING_MEM_REGION_TYPE_USER,
  });
  writeMemRegionReg(buffer, 0, { regionAddress: address + DESCRIPTION_AT, flags: 0 });
  return ring.register(IORING_REGISTER_MEM_REGION, address, 1);
}

function napi({ ring }: TrialRing, opcode: number, parameter: number): void {
  writeNapi(ring.scratch.buffer, 0, {
    busyPollMicros: NAPI_MICROS,
    preferBusyPoll: false,
    opcode,
    parameter,
  });
  accepted(ring.register(IORING_REGISTER_NAPI, ring.scratch.address, 1), 'IORING_REGISTER_NAPI');
}

function unregisterNapi({ ring }: TrialRing): void {
  const result = ring.register(IORING_UNREGISTER_NAPI, ring.scratch.address, 1);
  accepted(result, 'IORING_UNREGISTER_NAPI');
}

/** Registers the first pages of a mapping, one buffer a page. */
function registerBuffers({ ring }: TrialRing, memory: Memory, count: number): void {
  const vectors = new BigUint64Array(ring.scratch.buffer, 0, (count * IOVEC_SIZE) / 8);
  for (let i = 0; i < count; i += 1) {
    vectors[i * 2] = BigInt(memory.address + i * PAGE_SIZE);
    vectors[i * 2 + 1] = BigInt(PAGE_SIZE);
  }
  const result = ring.register(IORING_REGISTER_BUFFERS, ring.scratch.address, count);
  accepted(result, 'IORING_REGISTER_BUFFERS');
}

function cloneBuffers(
  source: TrialRing,
  { ring }: TrialRing,
  fields: { flags: number; sourceOffset: number; targetOffset: number; count: number },
): void {
  writeCloneBuffers(ring.scratch.buffer, 0, { sourceFd: source.ring.fd, ...fields });
  const result = ring.register(IORING_REGISTER_CLONE_BUFFERS, ring.scratch.address, 1);
  accepted(result, 'IORING_REGISTER_CLONE_BUFFERS');
}

/** Works only where there are buffers. */
function unregisterBuffers({ ring }: TrialRing): void {
  accepted(ring.register(IORING_UNREGISTER_BUFFERS, 0, 0), 'IORING_UNREGISTER_BUFFERS');
}
