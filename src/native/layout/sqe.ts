/**
 * `struct io_uring_sqe`: 64 bytes, written as sixteen 32-bit words.
 *
 *   0 opcode | flags << 8 | ioprio << 16   1 fd          2,3 off, addr2     4,5 addr
 *   6 len    7 op flags    8,9 user_data (the runtime's)
 *   10 buf_index or buf_group | personality << 16   11 file_index, splice_fd_in, optlen
 *   12,13 addr3, optval    14,15 padding
 *
 * Hot path: no allocation, no closures, no polymorphism per operation.
 */

/** Bytes of one entry. */
export const SQE_SIZE = 64;
/** 32-bit words of one entry. */
export const SQE_WORDS = 16;

/** Points at the entry that a prep function fills; one instance per ring, reused. */
export class Sqe {
  /** The whole array of entries. */
  words: Int32Array;
  /** Index of the entry's first word. */
  base: number;

  constructor(words: Int32Array, base: number) {
    this.words = words;
    this.base = base;
  }
}

/** Makes an entry that was filled one of another opcode with the same fields. */
export function setSqeOpcode(sqe: Sqe, opcode: number): void {
  const { words, base } = sqe;
  words[base] = ((words[base] ?? 0) & ~0xff) | opcode;
}

/** Adds `IOSQE_*` flags. */
export function setSqeFlags(sqe: Sqe, flags: number): void {
  const { words, base } = sqe;
  words[base] = (words[base] ?? 0) | (flags << 8);
}

/** Sets `ioprio`, which many opcodes use for flags of their own. */
export function setSqeIoprio(sqe: Sqe, ioprio: number): void {
  const { words, base } = sqe;
  words[base] = ((words[base] ?? 0) & 0xffff) | (ioprio << 16);
}

/** Sets the flags of the operation itself, such as `rw_flags`. */
export function setSqeOpFlags(sqe: Sqe, opFlags: number): void {
  sqe.words[sqe.base + 7] = opFlags;
}

/** Sets `buf_index`: the registered buffer of a fixed operation. */
export function setSqeBufferIndex(sqe: Sqe, index: number): void {
  const { words, base } = sqe;
  words[base + 10] = ((words[base + 10] ?? 0) & ~0xffff) | (index & 0xffff);
}

/** Sets `buf_group`: where the kernel picks a provided buffer from. */
export function setSqeBufferGroup(sqe: Sqe, group: number): void {
  setSqeBufferIndex(sqe, group);
}

/** Sets `personality`: registered credentials. */
export function setSqePersonality(sqe: Sqe, personality: number): void {
  const { words, base } = sqe;
  words[base + 10] = ((words[base + 10] ?? 0) & 0xffff) | (personality << 16);
}

/** Sets `file_index`: a slot of the registered file table plus one, or the allocation marker. */
export function setSqeFileIndex(sqe: Sqe, fileIndex: number): void {
  sqe.words[sqe.base + 11] = fileIndex;
}

/** High half of a 64-bit value held in a number; -1 becomes all ones. */
export function highWord(value: number): number {
  return Math.floor(value / 4294967296) | 0;
}

/**
 * Writes address and length of an entry that was filled earlier, by the `base` that it had, and has
 * not been submitted.
 */
export function replaceSqeBuffer(sqe: Sqe, base: number, address: number, length: number): void {
  const { words } = sqe;
  words[base + 4] = address | 0;
  words[base + 5] = highWord(address);
  words[base + 6] = length;
}
