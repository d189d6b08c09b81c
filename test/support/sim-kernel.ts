/**
 * The `Kernel` interface in ordinary memory, with a clock that only a test or a wait moves.
 *
 * It writes the same bytes as Linux 6.18: set-up, enter, registered waits, overflow, resizing,
 * cancellation. A test decides when operations complete (`behave`, `held`, `at`) and what fails
 * (`failEnter`, `failRegister`, `failSetup`, `features`), and reads what was asked (`enters`). A
 * wait that nothing would ever end is an error here, instead of a test that hangs.
 *
 *   NOP completes at once · POLL_ADD when its descriptor is ready · ASYNC_CANCEL cancels ·
 *   everything else is held until the test completes it
 */

import { assert } from '../../src/native/assert.ts';
import * as c from '../../src/native/constants/io-uring.ts';
import * as errno from '../../src/native/errno.ts';
import type { Kernel } from '../../src/native/kernel.ts';
import type { Memory } from '../../src/native/memory.ts';
import { cancel, cancelSynchronously } from './sim-cancel.ts';
import { SimClock } from './sim-clock.ts';
import { SimFaults } from './sim-faults.ts';
import { SimMemory } from './sim-memory.ts';
import type { SimBehavior, SimOperation } from './sim-operation.ts';
import { roundSizes, SimRing } from './sim-ring.ts';
import { isValidSetup, PARAMS_SIZE, placeRing, registerRegion, writeParams } from './sim-setup.ts';
import { readWaitArgument } from './sim-wait.ts';
import type { SimWait } from './sim-wait.ts';

const FIRST_FD = 100;
/** More calls than any test makes: what enters over and over waits for what never comes. */
const ENTERS_MAX = 100_000;
const REGISTERED_RINGS_MAX = 16;
const FEATURES_OF_6_18 = 0x3ffff;
const SETUP_FLAGS_OF_6_18 = 0x7ffff;
const ENTER_FLAGS = 0xff;

/** One call of `enter`, as it was made and as it was answered. */
export interface SimEnter {
  readonly toSubmit: number;
  readonly minComplete: number;
  readonly flags: number;
  readonly argument: number;
  readonly argumentSize: number;
  readonly result: number;
  /** What it was asked to wait for; nothing when it was not. */
  readonly wait: SimWait | null;
}

export class SimKernel implements Kernel {
  /** `IORING_FEAT_*` that set-ups report. */
  features: number = FEATURES_OF_6_18;
  /** `IORING_SETUP_*` that this kernel knows; others are `-EINVAL`. */
  setupFlags: number = SETUP_FLAGS_OF_6_18;
  /** How many entries the next `enter` consumes at most; reset by it. */
  submitMax: number = Infinity;
  readonly enters: SimEnter[] = [];
  /** Flags of the set-ups that were tried, in order. */
  readonly setups: number[] = [];
  /** Register calls: opcode and result. */
  readonly registers: { readonly opcode: number; readonly result: number }[] = [];
  readonly clock: SimClock = new SimClock();
  readonly faults: SimFaults = new SimFaults();
  readonly memory: SimMemory = new SimMemory((address, size) => this.#assertUnused(address, size));
  /** Descriptors that would be closed with the thread. */
  readonly closedOnExit: Set<number> = new Set();
  readonly #descriptors = new Map<number, SimRing | 'file'>();
  readonly #registered = new Map<number, SimRing>();
  readonly #ready = new Set<number>();
  readonly #behaviors = new Map<number, SimBehavior>();
  #ring: SimRing | null = null;
  #nextFd = FIRST_FD;
  #isInterrupted = false;

  constructor() {
    this.behave(c.IORING_OP_NOP, (operation) => {
      const isInjected = (operation.opFlags & c.IORING_NOP_INJECT_RESULT) !== 0;
      operation.complete(isInjected ? operation.length : 0);
    });
    this.behave(c.IORING_OP_POLL_ADD, (operation) => {
      if (this.#ready.has(operation.fd)) operation.complete(operation.opFlags);
    });
    this.behave(c.IORING_OP_ASYNC_CANCEL, (operation) => {
      operation.complete(cancel(operation.ring, operation));
    });
  }

  /** The ring that was made last. */
  get ring(): SimRing {
    assert(this.#ring !== null, 'A ring was made');
    return this.#ring;
  }

  /** Rings that something still refers to: a descriptor, or a registration of it. */
  get liveRings(): number {
    return new Set([...this.#descriptors.values(), ...this.#registered.values()].filter(isRing))
      .size;
  }

  /** Descriptors that are open, rings among them. */
  get openDescriptors(): number {
    return this.#descriptors.size;
  }

  /** Operations in flight, all or those of one opcode, oldest first. */
  held(opcode?: number): SimOperation[] {
    const all = [...this.ring.inFlight];
    return opcode === undefined ? all : all.filter((operation) => operation.opcode === opcode);
  }

  /** Decides what an opcode does when it is started; `hold` leaves it to the test. */
  behave(opcode: number, behavior: SimBehavior): void {
    this.#behaviors.set(opcode, behavior);
  }

  /** Keeps the operations of an opcode in flight until the test completes them. */
  hold(opcode: number): void {
    this.behave(opcode, () => {});
  }

  /** Has the next calls of `enter` return these results, without doing anything. */
  failEnter(...results: number[]): void {
    for (const result of results) this.faults.add('enter', result, 1);
  }

  /** Has a register opcode fail: so many times, or from now on. */
  failRegister(opcode: number, result: number, times: number = Infinity): void {
    this.faults.add(`register ${opcode}`, result, times);
  }

  failSetup(result: number, times: number = Infinity): void {
    this.faults.add('setup', result, times);
  }

  failMapRing(result: number, times: number = Infinity): void {
    this.faults.add('map', result, times);
  }

  /** Has `allocate` fail, after `after` allocations that still work. */
  failAllocate(result: number, times: number = Infinity, after = 0): void {
    if (after > 0) this.faults.add('allocate', 0, after);
    this.faults.add('allocate', result, times);
  }

  /** Lets time pass, and what is on the agenda until then happen. */
  advance(ms: number): void {
    this.clock.advance(ms);
  }

  /** Has something happen in `ms` milliseconds: in a wait, or while the test moves the clock. */
  at(ms: number, run: () => void): void {
    this.clock.at(ms, run);
  }

  /** A signal: the wait under way, or the next one, ends with `-EINTR`. */
  interrupt(): void {
    this.#isInterrupted = true;
  }

  /** Makes a descriptor ready or not: polls of it complete. */
  setReady(fd: number, isReady: boolean): void {
    if (!isReady) {
      this.#ready.delete(fd);
      return;
    }
    this.#ready.add(fd);
    if (this.#ring === null) return;
    for (const operation of this.held(c.IORING_OP_POLL_ADD)) {
      if (operation.fd === fd) operation.complete(operation.opFlags);
    }
  }

  /** Opens a descriptor that is not a ring: what an accept or an open would give. */
  openDescriptor(): number {
    return this.#install('file');
  }

  isOpen(fd: number): boolean {
    return this.#descriptors.has(fd);
  }

  nowMs(): number {
    return this.clock.read();
  }

  ioUringSetup(entries: number, params: number): number {
    const view = this.memory.at(params, PARAMS_SIZE);
    if (view === undefined) return -errno.EFAULT;
    const flags = view.getUint32(8, true);
    this.setups.push(flags);
    const failure = this.faults.take('setup');
    if (failure < 0) return failure;
    if (!isValidSetup(flags, this.setupFlags)) return -errno.EINVAL;
    const sizes = roundSizes(flags, entries, view.getUint32(4, true));
    if (typeof sizes === 'number') return sizes;
    const memory = placeRing(this.memory, flags, sizes, view);
    if (typeof memory === 'number') return memory;
    const ring = new SimRing(this.#nextFd, flags, sizes, memory);
    this.#install(ring);
    this.#ring = ring;
    writeParams(view, ring, this.features);
    return ring.fd;
  }

  ioUringEnter(
    fd: number,
    toSubmit: number,
    minComplete: number,
    flags: number,
    argument: number,
    argumentSize: number,
  ): number {
    const ring = this.#enterRing(fd, flags);
    const injected = this.faults.take('enter');
    let wait: SimWait | null = null;
    let result = injected;
    if (injected === 0) {
      const parsed = this.#checkEnter(ring, flags, argument, argumentSize);
      if (typeof parsed === 'number') result = parsed;
      else {
        wait = minComplete > 0 ? parsed : null;
        result = this.#enter(ring as SimRing, toSubmit, minComplete, flags, parsed);
      }
    }
    assert(this.enters.length < ENTERS_MAX, 'A program that waits lets the kernel wait for it');
    this.enters.push({ toSubmit, minComplete, flags, argument, argumentSize, result, wait });
    return result;
  }

  ioUringRegister(fd: number, opcode: number, argument: number, count: number): number {
    const injected = this.faults.take(`register ${opcode}`);
    const ring = this.#descriptors.get(fd);
    let result = injected;
    if (injected === 0) {
      result = isRing(ring) ? this.#register(ring, opcode, argument, count) : -errno.EBADF;
    }
    this.registers.push({ opcode, result });
    return result;
  }

  mapRing(fd: number, offset: number, size: number): Memory | number {
    const failure = this.faults.take('map');
    if (failure < 0) return failure;
    const ring = this.#descriptors.get(fd);
    if (!isRing(ring)) return -errno.EBADF;
    if ((ring.flags & c.IORING_SETUP_NO_MMAP) !== 0) return -errno.EINVAL;
    const { rings, entries } = ring.memory;
    const words = offset === c.IORING_OFF_SQES ? entries : rings;
    if (size > words.byteLength) return -errno.EINVAL;
    return this.memory.map(size, words.buffer as ArrayBuffer);
  }

  allocate(size: number): Memory | number {
    const failure = this.faults.take('allocate');
    return failure < 0 ? failure : this.memory.map(size);
  }

  allocateMapping(size: number): Memory | number {
    return this.memory.map(size);
  }

  view(address: number, size: number): ArrayBuffer {
    return (this.memory.at(address, size) as DataView<ArrayBuffer>).buffer;
  }

  /** The simulation has one thread. */
  allocateShared(): number {
    return -errno.ENOSYS;
  }

  attachShared(): number {
    return -errno.ENOSYS;
  }

  addressOf(memory: ArrayBuffer | ArrayBufferView): number {
    return this.memory.addressOf(memory);
  }

  /** The simulation has no C library. */
  mallocAndFree(): void {}

  close(fd: number): number {
    const descriptor = this.#descriptors.get(fd);
    // In a program the number may be somebody else's by now.
    assert(descriptor !== undefined, 'A descriptor is closed once');
    this.#descriptors.delete(fd);
    this.closedOnExit.delete(fd);
    if (isRing(descriptor)) this.#closeIfUnused(descriptor);
    return 0;
  }

  /** The simulation has one thread, and nobody to give a second descriptor to. */
  duplicate(): number {
    return -errno.EMFILE;
  }

  closeOnExit(fd: number): void {
    assert(this.isOpen(fd), 'An open descriptor');
    this.closedOnExit.add(fd);
  }

  forgetOnExit(fd: number): void {
    this.closedOnExit.delete(fd);
  }

  /** The simulation has no sockets: what needs one is tested on the real kernel. */
  readonly socket: () => number = () => -errno.EOPNOTSUPP;
  readonly bind: () => number = this.socket;
  readonly listen: () => number = this.socket;
  readonly getsockname: () => number = this.socket;
  readonly getpeername: () => number = this.socket;
  readonly shutdown: () => number = this.socket;
  readonly setsockopt: () => number = this.socket;
  readonly getsockopt: () => number = this.socket;
  readonly getrusage: () => number = this.socket;
  readonly pipe: () => number = this.socket;
  readonly fcntl: () => number = this.socket;
  readonly unlink: () => number = this.socket;
  readonly madvise: () => number = () => 0;
  /** Nothing here has a position. */
  readonly lseek: () => number = () => -errno.ESPIPE;

  #enterRing(fd: number, flags: number): SimRing | number {
    if ((flags & c.IORING_ENTER_REGISTERED_RING) !== 0) {
      return this.#registered.get(fd) ?? -errno.EINVAL;
    }
    const ring = this.#descriptors.get(fd);
    return isRing(ring) ? ring : -errno.EBADF;
  }

  #checkEnter(
    ring: SimRing | number,
    flags: number,
    argument: number,
    argumentSize: number,
  ): SimWait | number {
    if (typeof ring === 'number') return ring;
    if (ring.isDisabled) return -errno.EBADFD;
    if ((flags & ~ENTER_FLAGS) !== 0) return -errno.EINVAL;
    const lacksIowait = (this.features & c.IORING_FEAT_NO_IOWAIT) === 0;
    if (lacksIowait && (flags & c.IORING_ENTER_NO_IOWAIT) !== 0) return -errno.EINVAL;
    return readWaitArgument(this.memory, ring, flags, argument, argumentSize);
  }

  #enter(
    ring: SimRing,
    toSubmit: number,
    minComplete: number,
    flags: number,
    wait: SimWait,
  ): number {
    const allowed = Math.min(toSubmit, this.submitMax);
    this.submitMax = Infinity;
    const consumed = ring.submit(allowed, (operation) => {
      this.#behaviors.get(operation.opcode)?.(operation);
    });
    if ((flags & c.IORING_ENTER_GETEVENTS) === 0) return consumed;
    ring.runTaskWork();
    // A submission that fell short does not wait: the caller has to look first.
    if (consumed < toSubmit) return consumed;
    const waited = this.#wait(ring, Math.min(minComplete, ring.sizes.cqEntries), wait);
    if (consumed > 0) return consumed;
    // Only now has the program been told.
    if (waited === -errno.EBADR) ring.hasDropped = false;
    return waited;
  }

  #wait(ring: SimRing, minComplete: number, wait: SimWait): number {
    ring.runTaskWork();
    ring.flushOverflow();
    if (ring.posted >= minComplete) return 0;
    const timeoutMs = this.clock.nowMs + wait.timeoutMs;
    const firstStageMs = this.clock.nowMs + wait.minWaitMs;
    const isEnough = (): boolean =>
      ring.posted >= minComplete ||
      (wait.minWaitMs > 0 && this.clock.nowMs >= firstStageMs && ring.posted > 0);
    while (!isEnough()) {
      if (ring.hasDropped) return ring.posted > 0 ? 0 : -errno.EBADR;
      if (this.#isInterrupted) {
        this.#isInterrupted = false;
        return ring.posted > 0 ? 0 : -errno.EINTR;
      }
      const isFirstStage = wait.minWaitMs > 0 && this.clock.nowMs < firstStageMs;
      const untilMs = isFirstStage ? Math.min(firstStageMs, timeoutMs) : timeoutMs;
      if (!this.clock.runNext(untilMs)) {
        assert(untilMs !== Infinity, 'Something ends the wait: a timeout, or the agenda');
        this.clock.moveTo(untilMs);
        if (untilMs === timeoutMs) return ring.posted > 0 ? 0 : -errno.ETIME;
      }
      ring.runTaskWork();
      ring.flushOverflow();
    }
    return 0;
  }

  #register(ring: SimRing, opcode: number, argument: number, count: number): number {
    switch (opcode) {
      case c.IORING_REGISTER_ENABLE_RINGS:
        if (!ring.isDisabled) return -errno.EBADFD;
        ring.isDisabled = false;
        return 0;
      case c.IORING_REGISTER_RING_FDS:
        return count === 1 ? this.#registerDescriptor(argument) : -errno.EINVAL;
      case c.IORING_UNREGISTER_RING_FDS:
        return count === 1 ? this.#unregisterDescriptor(argument) : -errno.EINVAL;
      case c.IORING_REGISTER_MEM_REGION:
        return count === 1 ? registerRegion(this.memory, ring, argument) : -errno.EINVAL;
      case c.IORING_REGISTER_RESIZE_RINGS:
        return count === 1 ? this.#resize(ring, argument) : -errno.EINVAL;
      case c.IORING_REGISTER_SYNC_CANCEL: {
        const view = this.memory.at(argument, 64);
        if (view === undefined) return -errno.EFAULT;
        return cancelSynchronously(ring, view, (ms) => this.advance(ms));
      }
      case c.IORING_REGISTER_FILES2:
      case c.IORING_REGISTER_BUFFERS2:
      case c.IORING_REGISTER_PBUF_RING:
      case c.IORING_UNREGISTER_PBUF_RING:
      case c.IORING_REGISTER_IOWQ_MAX_WORKERS:
        return 0;
      default:
        return -errno.EINVAL;
    }
  }

  #registerDescriptor(argument: number): number {
    const view = this.memory.at(argument, 16);
    if (view === undefined) return -errno.EFAULT;
    const ring = this.#descriptors.get(view.getUint32(8, true));
    if (!isRing(ring)) return -errno.EBADF;
    for (let index = 0; index < REGISTERED_RINGS_MAX; index += 1) {
      if (this.#registered.has(index)) continue;
      this.#registered.set(index, ring);
      view.setUint32(0, index, true);
      return 1;
    }
    return -errno.EBUSY;
  }

  #unregisterDescriptor(argument: number): number {
    const view = this.memory.at(argument, 16);
    if (view === undefined) return -errno.EFAULT;
    const index = view.getUint32(0, true);
    const ring = this.#registered.get(index);
    if (ring === undefined) return 0;
    this.#registered.delete(index);
    this.#closeIfUnused(ring);
    return 1;
  }

  #resize(ring: SimRing, argument: number): number {
    const view = this.memory.at(argument, PARAMS_SIZE);
    if (view === undefined) return -errno.EFAULT;
    if ((ring.flags & c.IORING_SETUP_DEFER_TASKRUN) === 0) return -errno.EINVAL;
    const flags = view.getUint32(8, true);
    if ((flags & ~(c.IORING_SETUP_CQSIZE | c.IORING_SETUP_CLAMP)) !== 0) return -errno.EINVAL;
    const sizes = roundSizes(flags, view.getUint32(0, true), view.getUint32(4, true));
    if (typeof sizes === 'number') return sizes;
    const memory = placeRing(this.memory, ring.flags, sizes, view);
    if (typeof memory === 'number') return memory;
    const result = ring.resize(sizes, memory);
    if (result < 0) return result;
    writeParams(view, ring, 0);
    view.setUint32(64, 0, true);
    return 0;
  }

  #install(what: SimRing | 'file'): number {
    const fd = this.#nextFd;
    this.#nextFd += 1;
    this.#descriptors.set(fd, what);
    return fd;
  }

  #closeIfUnused(ring: SimRing): void {
    if ([...this.#descriptors.values(), ...this.#registered.values()].includes(ring)) return;
    ring.isClosed = true;
  }

  /** No operation may point into memory that goes: the kernel would write to it later. */
  #assertUnused(address: number, size: number): void {
    const ring = this.#ring;
    if (ring === null) return;
    for (const operation of ring.inFlight) {
      const isInside = operation.address >= address && operation.address < address + size;
      assert(!isInside, 'Memory outlives the operations that use it');
    }
    const region = ring.waitRegion;
    assert(ring.isClosed || region?.address !== address, 'The wait region outlives its ring');
  }
}

function isRing(descriptor: SimRing | 'file' | undefined): descriptor is SimRing {
  return descriptor instanceof SimRing;
}
