/**
 * `siginfo_t` as waitid(2) fills it in: 128 bytes, of which the kernel writes 28 here.
 *
 *   0 signo   4 errno   8 code   16 pid   20 uid   24 status
 */

export const SIGINFO_SIZE = 128;

/** What happened to a child. */
export interface ChildInfo {
  /** 0 if no child changed state, with `WNOHANG`. */
  readonly pid: number;
  readonly uid: number;
  /** `CLD_*`: how it ended or stopped. */
  readonly code: number;
  /** The exit code, or the signal. */
  readonly status: number;
}

/** Reads the struct at a word index. */
export function readChildInfo(words: Int32Array, at: number): ChildInfo {
  return {
    pid: words[at + 4] ?? 0,
    uid: (words[at + 5] ?? 0) >>> 0,
    code: words[at + 2] ?? 0,
    status: words[at + 6] ?? 0,
  };
}
