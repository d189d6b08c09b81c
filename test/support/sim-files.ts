/**
 * Files in the simulated kernel: a directory of bytes, descriptors in registered slots, and
 * operations that take their time, come up short or fail, as a seeded generator decides.
 *
 * It keeps watch: a file is opened into an empty slot only, and `openSlots` says what was not
 * closed. Reads are
 * at the position that they name, or at the slot's own; writes are at the end.
 */

import { assert } from '../../src/native/assert.ts';
import * as c from '../../src/native/constants/io-uring.ts';
import { EBADF, EINTR, EIO, ENOENT, ENOSPC } from '../../src/native/errno.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimKernel } from './sim-kernel.ts';
import type { SimOperation } from './sim-operation.ts';

/** Names of tests are short. */
const NAME_SIZE_MAX = 64;

interface OpenFile {
  readonly name: string;
  position: number;
}

/** How often what goes wrong; 0 is never. */
export interface SimTroubles {
  readonly failures: number;
  readonly shorts: number;
  readonly delays: number;
}

export const NO_TROUBLES: SimTroubles = { failures: 0, shorts: 0, delays: 0 };

export class SimFiles {
  readonly content: Map<string, Buffer> = new Map();
  /** How much fits into one file. */
  sizeMax: number = Infinity;
  /** How many syncs were asked for, and what the next ones answer. */
  syncs = 0;
  readonly syncResults: number[] = [];
  /** Told of each operation that begins. */
  onBegin: (opcode: number) => void = () => {};
  readonly #kernel: SimKernel;
  readonly #random: SeededRandom;
  readonly #troubles: SimTroubles;
  /** By descriptor, or below zero by slot. */
  readonly #open = new Map<number, OpenFile>();

  constructor(kernel: SimKernel, random: SeededRandom, troubles: SimTroubles = NO_TROUBLES) {
    this.#kernel = kernel;
    this.#random = random;
    this.#troubles = troubles;
    this.#on(c.IORING_OP_OPENAT, (operation) => this.#openat(operation));
    this.#on(c.IORING_OP_READ, (operation) => this.#read(operation));
    this.#on(c.IORING_OP_WRITE, (operation) => this.#write(operation));
    this.#on(c.IORING_OP_FSYNC, (operation) => this.#sync(operation));
    this.#on(c.IORING_OP_CLOSE, (operation) => this.#close(operation));
    this.#on(c.IORING_OP_STATX, (operation) => this.#stat(operation));
  }

  /** Files that are open, by descriptor or in a slot. */
  get openFiles(): number {
    return this.#open.size;
  }

  /** Runs an opcode now or later; what has begun can no longer be canceled, as often as not. */
  #on(opcode: number, run: (operation: SimOperation) => number): void {
    this.#kernel.behave(opcode, (operation) => {
      this.onBegin(opcode);
      const finish = (): void => {
        if (operation.isInFlight) operation.complete(run(operation));
      };
      if (!this.#random.chance(this.#troubles.delays)) {
        finish();
        return;
      }
      operation.isCancelable = this.#random.chance(0.5);
      this.#kernel.at(this.#random.below(5), finish);
    });
  }

  #fails(): boolean {
    return this.#random.chance(this.#troubles.failures);
  }

  #openat(operation: SimOperation): number {
    const name = this.#textAt(operation.address);
    const isNew = !this.content.has(name);
    if (this.#fails()) return -EIO;
    if (isNew && operation.opFlags === 0) return -ENOENT;
    const isDirect = operation.words[11] !== 0;
    const key = isDirect ? slotOf(operation) : this.#kernel.openDescriptor();
    assert(!this.#open.has(key), 'A file is opened into an empty slot');
    this.#open.set(key, { name, position: 0 });
    if (operation.opFlags !== 0) this.content.set(name, Buffer.alloc(0));
    return isDirect ? 0 : key;
  }

  #fileOf(operation: SimOperation): OpenFile | undefined {
    const isFixed = (operation.flags & c.IOSQE_FIXED_FILE) !== 0;
    return this.#open.get(isFixed ? -1 - operation.fd : operation.fd);
  }

  #read(operation: SimOperation): number {
    const file = this.#fileOf(operation);
    if (file === undefined) return -EBADF;
    if (this.#fails()) return this.#random.pick([-EIO, -EINTR]);
    const content = this.content.get(file.name) ?? Buffer.alloc(0);
    const isPlaced = operation.words[3] !== -1;
    const position = isPlaced ? (operation.words[2] ?? 0) : file.position;
    const count = this.#shortened(
      Math.min(operation.length, Math.max(0, content.length - position)),
    );
    this.#bytesAt(operation.address, count).set(content.subarray(position, position + count));
    if (!isPlaced) file.position += count;
    return count;
  }

  #write(operation: SimOperation): number {
    const file = this.#fileOf(operation);
    if (file === undefined) return -EBADF;
    if (this.#fails()) return this.#random.pick([-EIO, -EINTR]);
    const content = this.content.get(file.name) ?? Buffer.alloc(0);
    const room = this.sizeMax - content.length;
    if (room <= 0) return -ENOSPC;
    const count = this.#shortened(Math.min(operation.length, room));
    const bytes = this.#bytesAt(operation.address, count);
    this.content.set(file.name, Buffer.concat([content, bytes]));
    file.position += count;
    return count;
  }

  #sync(operation: SimOperation): number {
    this.syncs += 1;
    if (this.#fileOf(operation) === undefined) return -EBADF;
    return this.syncResults.shift() ?? (this.#fails() ? -EIO : 0);
  }

  #close(operation: SimOperation): number {
    const isDirect = operation.words[11] !== 0;
    if (!this.#open.delete(isDirect ? slotOf(operation) : operation.fd)) return -EBADF;
    return isDirect ? 0 : this.#kernel.close(operation.fd);
  }

  #stat(operation: SimOperation): number {
    const content = this.content.get(this.#textAt(operation.address));
    if (content === undefined || this.#fails()) return -ENOENT;
    const view = this.#kernel.memory.at(operation.offset, 256);
    // A hint: what it says may be wrong.
    view?.setBigUint64(40, BigInt(this.#random.below(content.length * 2 + 1)), true);
    return 0;
  }

  /** Never down to nothing: that would be the end of the file. */
  #shortened(count: number): number {
    const isShort = count > 1 && this.#random.chance(this.#troubles.shorts);
    return isShort ? this.#random.between(1, count - 1) : count;
  }

  #bytesAt(address: number, size: number): Buffer {
    const view = this.#kernel.memory.at(address, size);
    assert(view !== undefined, 'An operation points at memory');
    return Buffer.from(view.buffer as ArrayBuffer, view.byteOffset, size);
  }

  #textAt(address: number): string {
    const bytes = this.#bytesAt(address, NAME_SIZE_MAX);
    return bytes.toString('utf8', 0, bytes.indexOf(0));
  }
}

/** A slot as a key that no descriptor has; the entry has it one too large. */
function slotOf(operation: SimOperation): number {
  return -(operation.words[11] ?? 0);
}
