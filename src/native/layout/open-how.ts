/**
 * `struct open_how`, the argument of openat2(2): 24 bytes.
 *
 *   0 flags (u64)   8 mode (u64)   16 resolve (u64)
 */

export const OPEN_HOW_SIZE = 24;

/** What openat2(2) is asked for. The kernel refuses flags it does not know. */
export interface OpenHow {
  /** `O_*`. */
  readonly flags: number;
  /** Permission bits; must be 0 unless a file may be made. */
  readonly mode: number;
  /** `RESOLVE_*`: how far the path may lead. */
  readonly resolve: number;
}

/** Writes the whole struct at `offset`. */
export function writeOpenHow(bytes: Uint8Array, offset: number, how: OpenHow): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, OPEN_HOW_SIZE);
  view.setUint32(0, how.flags, true);
  view.setUint32(4, 0, true);
  view.setUint32(8, how.mode, true);
  view.setUint32(12, 0, true);
  view.setUint32(16, how.resolve, true);
  view.setUint32(20, 0, true);
}
