/**
 * libuv's loop of this thread, as a guest of the ring: a `uv_check_t` that calls the tick once a
 * turn, and a `uv_idle_t` that keeps libuv's own poll from sleeping.
 *
 * Both handles are made once a thread and never closed: they are stopped when nothing is in
 * flight. They carry libuv's internal flag, so that a loop may close around them when a worker is
 * terminated, and clean-up hooks stop them because no JavaScript runs then. The layout that this
 * relies on is checked against the running libuv first.
 */

import { callbackScope } from './callback-scope.ts';
import type { Libc } from './libc.ts';
import { loadLibc } from './libc.ts';

/** What the scheduler needs of the loop that it lives under. */
export interface HostLoop {
  /** The descriptor that becomes readable when the loop has something to do. */
  readonly backendFd: number;
  /** Sets what is called once a turn, after the loop has polled. */
  setTick(tick: () => void): void;
  /** Starts calling the tick, and keeps the loop from sleeping on its own. */
  start(): void;
  /** Stops both: the loop runs as if we were not there. */
  stop(): void;
  /** Lets the loop's own timeout be asked for; `resume` undoes it. */
  pause(): void;
  /** Keeps the loop from sleeping again. */
  resume(): void;
  /** Whether the loop stays alive for our sake. */
  setReferenced(isReferenced: boolean): void;
  /** How long the loop would sleep: milliseconds, 0 for not at all, -1 for ever. */
  timeoutMs(): number;
  /** Tells the loop that time has passed. */
  updateTime(): void;
}

/** `UV_CHECK` and `UV_IDLE` of `uv_handle_type`. */
const UV_CHECK = 2;
const UV_IDLE = 6;
/** `UV_HANDLE_ACTIVE`, `UV_HANDLE_REF` and `UV_HANDLE_INTERNAL` of libuv's uv-common.h. */
const UV_HANDLE_ACTIVE = 0x4;
const UV_HANDLE_REF = 0x8;
const UV_HANDLE_INTERNAL = 0x10;
/** Offset of `flags` in `uv_handle_t` on 64-bit Unix. */
const FLAGS_OFFSET = 88;
/** Offset of `loop` in `uv_handle_t`. */
const LOOP_OFFSET = 8;
/** Larger than any libuv handle of these kinds (120 bytes in libuv 1.x). */
const HANDLE_SIZE_MAX = 512;

let current: HostLoop | string | undefined;

/** Returns this thread's loop, or the reason why it cannot be hosted. */
export function hostLoop(): HostLoop | string {
  current ??= createHostLoop();
  return current;
}

function createHostLoop(): HostLoop | string {
  const libc = loadLibc();
  if (typeof libc === 'string') return libc;
  const loop = libc.currentLoop();
  if (loop === 0) return 'Node-API gives no libuv loop for this thread';
  const size = Math.max(libc.uvHandleSize(UV_CHECK), libc.uvHandleSize(UV_IDLE));
  if (size <= FLAGS_OFFSET || size > HANDLE_SIZE_MAX) {
    return `libuv ${libc.uvVersion()} has handles of ${size} bytes`;
  }
  // Never freed: the loop keeps both in its list of handles until the thread is gone.
  const check = libc.malloc(HANDLE_SIZE_MAX);
  const idle = libc.malloc(HANDLE_SIZE_MAX);
  if (check === 0 || idle === 0) return 'malloc failed';
  libc.uvCheckInit(loop, check);
  libc.uvIdleInit(loop, idle);
  const problem = markInternal(libc, loop, check) ?? markInternal(libc, loop, idle);
  if (problem !== undefined) return problem;
  libc.addCleanupHook(libc.symbol('uv_check_stop'), check);
  libc.addCleanupHook(libc.symbol('uv_idle_stop'), idle);
  return bindLoop(libc, loop, check, idle);
}

/** Sets the internal flag, if the handle looks exactly as a fresh one must. */
function markInternal(libc: Libc, loop: number, handle: number): string | undefined {
  const view = new DataView(libc.view(handle, HANDLE_SIZE_MAX));
  const flags = view.getUint32(FLAGS_OFFSET, true);
  const hasLoop = Number(view.getBigUint64(LOOP_OFFSET, true)) === loop;
  if (!hasLoop || flags !== UV_HANDLE_REF || (flags & UV_HANDLE_ACTIVE) !== 0) {
    return `libuv ${libc.uvVersion()} lays its handles out in an unknown way`;
  }
  view.setUint32(FLAGS_OFFSET, flags | UV_HANDLE_INTERNAL, true);
  return undefined;
}

function bindLoop(libc: Libc, loop: number, check: number, idle: number): HostLoop {
  let tick: () => void = () => {};
  const runInScope = callbackScope();
  const onCheck = libc.callback(() => runInScope(tick));
  // Any harmless native function of one argument will do: the handle is only there to be active.
  const onIdle = libc.symbol('uv_is_active');
  // An idle handle alone must never keep a program running; the check handle speaks for both.
  libc.uvUnref(idle);
  libc.uvUnref(check);
  return {
    backendFd: libc.uvBackendFd(loop),
    setTick(next) {
      tick = next;
    },
    start() {
      libc.uvCheckStart(check, onCheck);
      libc.uvIdleStart(idle, onIdle);
    },
    stop() {
      libc.uvCheckStop(check);
      libc.uvIdleStop(idle);
    },
    pause() {
      libc.uvIdleStop(idle);
    },
    resume() {
      libc.uvIdleStart(idle, onIdle);
    },
    setReferenced(isReferenced) {
      if (isReferenced) libc.uvRef(check);
      else libc.uvUnref(check);
    },
    timeoutMs: () => libc.uvBackendTimeout(loop),
    updateTime: () => libc.uvUpdateTime(loop),
  };
}
