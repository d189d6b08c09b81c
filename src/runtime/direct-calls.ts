/**
 * Direct calls: what has no opcode, or whose opcode is not on every kernel, and cannot block:
 * making a socket, binding it, asking for its addresses, its options; advice about memory.
 *
 * Each returns its result or `-errno`, as the layer below does.
 */

import type { Kernel } from '../native/index.ts';
import type { Block, MemoryPool } from './memory-pool.ts';

/** Room for any `sockaddr`, and the length behind it. */
const ADDRESS_SIZE = 128;
const BLOCK_SIZE = 256;
const RUSAGE_THREAD = 1;
/** Offset of `ru_nvcsw` in `struct rusage` on 64-bit Linux. */
const RUSAGE_SWITCHES_AT = 128;

export class DirectCalls {
  readonly #kernel: Kernel;
  readonly #pool: MemoryPool;

  constructor(kernel: Kernel, pool: MemoryPool) {
    this.#kernel = kernel;
    this.#pool = pool;
  }

  /** Mirrors socket(2). */
  socket(family: number, type: number, protocol: number): number {
    return this.#kernel.socket(family, type, protocol);
  }

  /** Mirrors bind(2) with an encoded address. */
  bind(fd: number, address: Uint8Array): number {
    return this.#withBlock((block) => {
      block.bytes.set(address);
      return this.#kernel.bind(fd, block.address, address.length);
    });
  }

  /** Mirrors listen(2). */
  listen(fd: number, backlog: number): number {
    return this.#kernel.listen(fd, backlog);
  }

  /** Mirrors getsockname(2): the encoded address, or `-errno`. */
  getsockname(fd: number): Uint8Array | number {
    return this.#name((address, size) => this.#kernel.getsockname(fd, address, size));
  }

  /** Mirrors getpeername(2): the encoded address, or `-errno`. */
  getpeername(fd: number): Uint8Array | number {
    return this.#name((address, size) => this.#kernel.getpeername(fd, address, size));
  }

  /** Mirrors shutdown(2). Its opcode goes to a kernel worker every time (Linux 6.0+). */
  shutdown(fd: number, how: number): number {
    return this.#kernel.shutdown(fd, how);
  }

  /** Mirrors setsockopt(2) for options that are an `int`. */
  setOption(fd: number, level: number, option: number, value: number): number {
    return this.#withBlock((block) => {
      block.words[0] = value;
      return this.#kernel.setsockopt(fd, level, option, block.address, 4);
    });
  }

  /** Mirrors getsockopt(2) for options that are an `int`: the value, or `-errno`. */
  getOption(fd: number, level: number, option: number): number {
    return this.#withBlock((block) => {
      block.words[0] = 0;
      block.words[1] = 4;
      const { address } = block;
      const result = this.#kernel.getsockopt(fd, level, option, address, address + 4);
      return result < 0 ? result : (block.words[0] ?? 0);
    });
  }

  /** Sets an option that is a struct. */
  setOptionBytes(fd: number, level: number, option: number, value: Uint8Array): number {
    return this.#withBlock((block) => {
      block.bytes.set(value);
      return this.#kernel.setsockopt(fd, level, option, block.address, value.length);
    });
  }

  /** Mirrors pipe2(2): both ends, for reading and for writing, or `-errno`. */
  pipe(flags: number): { readFd: number; writeFd: number } | number {
    return this.#withBlock((block) => {
      const result = this.#kernel.pipe(block.address, flags);
      if (result < 0) return result;
      return { readFd: block.words[0] ?? -1, writeFd: block.words[1] ?? -1 };
    });
  }

  /** Mirrors fcntl(2) with a number. */
  fcntl(fd: number, command: number, argument: number): number {
    return this.#kernel.fcntl(fd, command, argument);
  }

  /** Mirrors lseek(2): where the descriptor is, from then on. */
  seek(fd: number, offset: number, whence: number): number {
    return this.#kernel.lseek(fd, offset, whence);
  }

  /** Mirrors unlink(2). */
  unlink(path: Uint8Array): number {
    return this.#withBlock((block) => {
      block.bytes.set(path);
      block.bytes[path.length] = 0;
      return this.#kernel.unlink(block.address);
    });
  }

  /** Mirrors madvise(2): whole pages, and advice that changes no byte. */
  advise(address: number, size: number, advice: number): number {
    return this.#kernel.madvise(address, size, advice);
  }

  /** Mirrors getrusage(2): how often this thread gave the processor up, or `-errno`. */
  voluntarySwitches(): number {
    return this.#withBlock((block) => {
      const result = this.#kernel.getrusage(RUSAGE_THREAD, block.address);
      return result < 0 ? result : Number(block.bytes.readBigInt64LE(RUSAGE_SWITCHES_AT));
    });
  }

  /** Mirrors close(2), for a descriptor that no operation uses. */
  close(fd: number): number {
    return this.#kernel.close(fd);
  }

  /** Another descriptor for the same open file; mirrors fcntl(2) with F_DUPFD_CLOEXEC. */
  duplicate(fd: number): number {
    return this.#kernel.duplicate(fd);
  }

  #name(call: (address: number, size: number) => number): Uint8Array | number {
    return this.#withBlock((block) => {
      block.words[ADDRESS_SIZE >> 2] = ADDRESS_SIZE;
      const result = call(block.address, block.address + ADDRESS_SIZE);
      if (result < 0) return result;
      return Uint8Array.from(block.bytes.subarray(0, block.words[ADDRESS_SIZE >> 2]));
    });
  }

  #withBlock<T>(use: (block: Block) => T): T {
    const block = this.#pool.take(BLOCK_SIZE);
    try {
      return use(block);
    } finally {
      this.#pool.give(block);
    }
  }
}
