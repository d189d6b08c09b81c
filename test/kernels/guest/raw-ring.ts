/**
 * A ring of bare system calls, for what the package offers no door to: polled rings.
 *
 * It goes straight through koffi, uses nothing of the runtime, and can do one thing: read blocks
 * of a file, many at a time, and reap the completions. Layouts and constants are the package's.
 */

import assert from 'node:assert/strict';
import koffi from 'koffi';
import { prep } from 'onering';

const SYS_IO_URING_SETUP = 425;
const SYS_IO_URING_ENTER = 426;
const PROT_READ_WRITE = 3;
const MAP_SHARED_POPULATE = 0x8001;
const CQE_WORDS = 4;

/** A read of one block. */
export interface BlockRead {
  readonly address: number;
  readonly size: number;
  readonly position: number;
}

const libc = koffi.load(null);
const numbers = (count: number): string[] => new Array<string>(count).fill('int64');
const syscall = libc.func('syscall', 'int64', numbers(7));
const mmap = libc.func('mmap', 'int64', numbers(6));
const close = libc.func('close', 'int', ['int']);

/** An open ring; `flags` are `IORING_SETUP_*`. Lives as long as the process. */
export class RawRing {
  readonly #fd: number;
  readonly #words: Int32Array;
  readonly #sqe: InstanceType<typeof prep.Sqe>;
  readonly #params: ReturnType<typeof prep.readRingParams>;
  #tail = 0;
  #toSubmit = 0;

  constructor(entries: number, flags: number) {
    const params = new ArrayBuffer(prep.RING_PARAMS_SIZE);
    prep.writeRingParams(params, {
      flags,
      sqEntries: 0,
      cqEntries: 0,
      ringsAddress: 0,
      entriesAddress: 0,
    });
    const address = Number(koffi.address(params));
    this.#fd = syscall(SYS_IO_URING_SETUP, entries, address, 0, 0, 0, 0) as number;
    assert.ok(this.#fd >= 0, `io_uring_setup failed with errno ${koffi.errno()}`);
    this.#params = prep.readRingParams(params);
    const { sqOff, cqOff, sqEntries, cqEntries } = this.#params;
    const size = Math.max(cqOff.cqes + cqEntries * prep.CQE_SIZE, sqOff.array + sqEntries * 4);
    this.#words = this.#map(prep.IORING_OFF_SQ_RING, size);
    const entryWords = this.#map(prep.IORING_OFF_SQES, sqEntries * prep.SQE_SIZE);
    this.#sqe = new prep.Sqe(entryWords, 0);
    for (let i = 0; i < sqEntries; i += 1) this.#words[(sqOff.array >> 2) + i] = i;
  }

  /** Queues a read. `userData` comes back with its completion. */
  read(fd: number, { address, size, position }: BlockRead, userData: number): void {
    const { sqEntries, sqOff } = this.#params;
    this.#sqe.base = (this.#tail & (sqEntries - 1)) * prep.SQE_WORDS;
    prep.prepRead(this.#sqe, fd, address, size, position);
    this.#sqe.words[this.#sqe.base + 8] = userData;
    this.#sqe.words[this.#sqe.base + 9] = 0;
    this.#tail += 1;
    this.#toSubmit += 1;
    Atomics.store(this.#words, sqOff.tail >> 2, this.#tail);
  }

  /** Submits what is queued and polls until at least one read is over. */
  reap(onCompletion: (userData: number, result: number) => void): number {
    const { cqOff, cqEntries } = this.#params;
    const { IORING_ENTER_GETEVENTS } = prep;
    const entered = syscall(
      SYS_IO_URING_ENTER,
      this.#fd,
      this.#toSubmit,
      1,
      IORING_ENTER_GETEVENTS,
      0,
      0,
    ) as number;
    assert.ok(entered >= 0, `io_uring_enter failed with errno ${koffi.errno()}`);
    this.#toSubmit -= entered;
    let head = this.#words[cqOff.head >> 2] ?? 0;
    const tail = Atomics.load(this.#words, cqOff.tail >> 2);
    const count = tail - head;
    for (; head !== tail; head += 1) {
      const at = (cqOff.cqes >> 2) + (head & (cqEntries - 1)) * CQE_WORDS;
      const [userData = 0, , result = 0] = this.#words.subarray(at, at + CQE_WORDS);
      onCompletion(userData, result);
    }
    Atomics.store(this.#words, cqOff.head >> 2, head);
    return count;
  }

  /** Nothing may be in flight. Its memory stays mapped. */
  close(): void {
    close(this.#fd);
  }

  #map(offset: number, size: number): Int32Array {
    const address = mmap(0, size, PROT_READ_WRITE, MAP_SHARED_POPULATE, this.#fd, offset) as number;
    assert.ok(address > 0, `mmap failed with errno ${koffi.errno()}`);
    return new Int32Array(koffi.view(BigInt(address), size));
  }
}
