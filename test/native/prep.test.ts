/**
 * The door to the prep functions: that there is one for every opcode that Linux 6.18 knows.
 */

import { describe, expect, it } from 'vitest';
import * as ioUring from '../../src/native/constants/io-uring.ts';
import { Sqe, SQE_WORDS } from '../../src/native/layout/sqe.ts';
import * as prep from '../../src/native/prep.ts';

/** Needs a registered hardware queue, and completions of 32 bytes. */
const LEFT_OUT: readonly number[] = [ioUring.IORING_OP_RECV_ZC];

type Prep = (sqe: Sqe, ...rest: readonly number[]) => void;

describe('prep', () => {
  it('has a function for every opcode up to Linux 6.18', () => {
    const words = new Int32Array(SQE_WORDS);
    const sqe = new Sqe(words, 0);
    const filled = Object.values<Prep>(prep).map((fill) => {
      fill(sqe, 1, 1, 1, 1, 1, 1, 1);
      return (words[0] ?? 0) & 0xff;
    });
    const opcodes = Array.from({ length: ioUring.IORING_OP_PIPE + 1 }, (_, opcode) => opcode);
    const expected = opcodes.filter((opcode) => !LEFT_OUT.includes(opcode));
    expect(new Set(filled)).toEqual(new Set(expected));
  });
});
