/**
 * Comparing filled submission entries, all 64 bytes of them, with recorded ones.
 *
 * Each prep function fills the middle one of three slots that hold 0xAA everywhere. So it shows
 * when a word is left as it was, when `user_data` is touched, and when a neighbor is.
 */

import { describe, expect, it } from 'vitest';
import { Sqe, SQE_WORDS } from '../../src/native/layout/sqe.ts';

/** A call and the words it must leave, those of `user_data` left out: 0 to 7, then 10 to 15. */
export interface RecordedEntry {
  /** Begins with the name of the function. */
  readonly name: string;
  readonly fill: (sqe: Sqe) => void;
  readonly words: readonly [string, string];
}

const UNTOUCHED = 'aaaaaaaa';

/** The three slots after the call, as hexadecimal words. */
export function fillMiddleSlot(fill: (sqe: Sqe) => void): string[] {
  const bytes = new Uint8Array(3 * SQE_WORDS * 4).fill(0xaa);
  fill(new Sqe(new Int32Array(bytes.buffer), SQE_WORDS));
  return Array.from(new Uint32Array(bytes.buffer), (word) => word.toString(16).padStart(8, '0'));
}

/** Compares each entry, and checks that every function of the module has one. */
export function describeEntries(
  module: string,
  exported: object,
  entries: readonly RecordedEntry[],
): void {
  describe(module, () => {
    it.each(entries)('$name', ({ fill, words: [first, second] }) => {
      const neighbor: string[] = Array.from({ length: SQE_WORDS }, () => UNTOUCHED);
      const userData = [UNTOUCHED, UNTOUCHED];
      const expected = [...first.split(' '), ...userData, ...second.split(' ')];
      expect(fillMiddleSlot(fill)).toEqual([...neighbor, ...expected, ...neighbor]);
    });

    it('has an entry for every function', () => {
      const named = new Set(entries.map(({ name }) => name.split(/[ ,]/, 1)[0]));
      expect(named).toEqual(new Set(Object.keys(exported)));
    });
  });
}
