/**
 * The only file that imports koffi: the C functions we call, with their signatures.
 *
 * They come from the running executable itself: libc, libuv and Node-API are all linked into it.
 * Everything crosses as numbers; an address is a number below 2^53. Nothing here interprets a
 * result. Loading is lazy and never throws: where koffi has no binary, or the platform is not
 * 64-bit Linux, `loadLibc` says why and the caller does without.
 */

import { createRequire } from 'node:module';
import type Koffi from 'koffi';
import type { LibraryHandle } from 'koffi';

type Call = (...args: number[]) => number;

/** The C library, libuv and Node-API, as far as this package needs them. */
export interface Libc extends Calls {
  /** `errno` after the last call that returned -1. */
  errno(): number;
  /** An `ArrayBuffer` over memory that V8 does not own. The caller keeps the memory mapped. */
  view(address: number, size: number): ArrayBuffer;
  /** Where the bytes of an off-heap `ArrayBuffer` are, or those of a view of one. */
  addressOf(memory: ArrayBuffer | ArrayBufferView): number;
  /** The address of a C function of the executable, for hooks that run without JavaScript. */
  symbol(name: string): number;
  /** Makes a C function `void (*)(void *)` of a JavaScript one; it lives as long as the thread. */
  callback(run: () => void): number;
  /** Registers `hook(argument)` to be called when this thread's environment is torn down. */
  addCleanupHook(hook: number, argument: number): number;
  /** Takes a hook back. */
  removeCleanupHook(hook: number, argument: number): number;
  /** The `uv_loop_t *` of this thread, or 0. */
  currentLoop(): number;
  /** `uv_version_string()`, which says which libuv is really linked. */
  uvVersion(): string;
}

interface Calls {
  /** `syscall(2)` with six arguments of any kind. */
  readonly syscall: Call;
  /** `syscall(2)` shaped for `io_uring_enter(2)`, the one call of the hot path. */
  readonly enter: Call;
  readonly close: Call;
  readonly fcntl: Call;
  readonly mmap: Call;
  readonly munmap: Call;
  readonly madvise: Call;
  readonly lseek: Call;
  readonly malloc: Call;
  readonly free: Call;
  readonly shmget: Call;
  readonly shmat: Call;
  readonly shmdt: Call;
  readonly shmctl: Call;
  readonly socket: Call;
  readonly bind: Call;
  readonly listen: Call;
  readonly getsockname: Call;
  readonly getpeername: Call;
  readonly shutdown: Call;
  readonly setsockopt: Call;
  readonly getsockopt: Call;
  readonly getrusage: Call;
  readonly pipe2: Call;
  readonly unlink: Call;

  readonly uvHandleSize: Call;
  readonly uvCheckInit: Call;
  readonly uvCheckStart: Call;
  readonly uvCheckStop: Call;
  readonly uvIdleInit: Call;
  readonly uvIdleStart: Call;
  readonly uvIdleStop: Call;
  readonly uvIsActive: Call;
  readonly uvRef: Call;
  readonly uvUnref: Call;
  readonly uvBackendFd: Call;
  readonly uvBackendTimeout: Call;
  readonly uvUpdateTime: Call;
}

let loaded: Libc | string | undefined;

/** Returns the bindings, or the reason why there are none. The answer is kept for the thread. */
export function loadLibc(): Libc | string {
  loaded ??= load();
  return loaded;
}

function load(): Libc | string {
  if (process.platform !== 'linux') return `the platform is ${process.platform}, not linux`;
  if (!['x64', 'arm64', 'riscv64', 'loong64'].includes(process.arch)) {
    return `the processor architecture ${process.arch} is not supported`;
  }
  try {
    return bind(createRequire(import.meta.url)('koffi') as typeof Koffi);
  } catch (error) {
    return `koffi could not be loaded: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function bind(koffi: typeof Koffi): Libc {
  const executable = koffi.load(null);
  const { address } = koffi;
  const onCallback = koffi.pointer(koffi.proto('void onering_callback(int64)'));
  const hookArguments = ['void *', 'int64', 'int64'];
  const getLoop = executable.func('napi_get_uv_event_loop', 'int', ['void *', 'void *']);
  const addHook = executable.func('napi_add_env_cleanup_hook', 'int', hookArguments);
  const removeHook = executable.func('napi_remove_env_cleanup_hook', 'int', hookArguments);
  const uvVersionString = executable.func('const char *uv_version_string()');
  return {
    errno: () => koffi.errno(),
    view: (from, size) => koffi.view(BigInt(from), size),
    addressOf: (memory) => Number(address(memory)),
    symbol: (name) => Number(executable.symbol(name)),
    callback: (run) => Number(koffi.register(run, onCallback)),
    addCleanupHook: (hook, argument) => addHook(koffi.node.env, hook, argument) as number,
    removeCleanupHook: (hook, argument) => removeHook(koffi.node.env, hook, argument) as number,
    currentLoop: () => {
      const result = new BigUint64Array(1);
      return getLoop(koffi.node.env, result) === 0 ? Number(result[0]) : 0;
    },
    uvVersion: () => uvVersionString() as string,
    ...bindCalls(executable),
  };
}

function bindCalls(executable: LibraryHandle): Calls {
  const declare = (name: string, result: string, count: number): Call =>
    executable.func(name, result, new Array<string>(count).fill('int64')) as Call;
  const enterArguments = ['int64', 'int', 'uint32', 'uint32', 'uint32', 'int64', 'int64'];
  return {
    // Declared with a fixed number of arguments: on these platforms a variadic function takes its
    // arguments where any other does.
    syscall: declare('syscall', 'int64', 7),
    enter: executable.func('syscall', 'int64', enterArguments) as Call,
    close: declare('close', 'int', 1),
    fcntl: declare('fcntl', 'int', 3),
    mmap: declare('mmap', 'int64', 6),
    munmap: declare('munmap', 'int', 2),
    madvise: declare('madvise', 'int', 3),
    lseek: declare('lseek', 'int64', 3),
    malloc: declare('malloc', 'int64', 1),
    free: declare('free', 'void', 1),
    shmget: declare('shmget', 'int', 3),
    shmat: declare('shmat', 'int64', 3),
    shmdt: declare('shmdt', 'int', 1),
    shmctl: declare('shmctl', 'int', 3),
    socket: declare('socket', 'int', 3),
    bind: declare('bind', 'int', 3),
    listen: declare('listen', 'int', 2),
    getsockname: declare('getsockname', 'int', 3),
    getpeername: declare('getpeername', 'int', 3),
    shutdown: declare('shutdown', 'int', 2),
    setsockopt: declare('setsockopt', 'int', 5),
    getsockopt: declare('getsockopt', 'int', 5),
    getrusage: declare('getrusage', 'int', 2),
    pipe2: declare('pipe2', 'int', 2),
    unlink: declare('unlink', 'int', 1),

    uvHandleSize: declare('uv_handle_size', 'int64', 1),
    uvCheckInit: declare('uv_check_init', 'int', 2),
    uvCheckStart: declare('uv_check_start', 'int', 2),
    uvCheckStop: declare('uv_check_stop', 'int', 1),
    uvIdleInit: declare('uv_idle_init', 'int', 2),
    uvIdleStart: declare('uv_idle_start', 'int', 2),
    uvIdleStop: declare('uv_idle_stop', 'int', 1),
    uvIsActive: declare('uv_is_active', 'int', 1),
    uvRef: declare('uv_ref', 'void', 1),
    uvUnref: declare('uv_unref', 'void', 1),
    uvBackendFd: declare('uv_backend_fd', 'int', 1),
    uvBackendTimeout: declare('uv_backend_timeout', 'int', 1),
    uvUpdateTime: declare('uv_update_time', 'void', 1),
  };
}
