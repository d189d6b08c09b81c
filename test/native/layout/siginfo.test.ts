/**
 * `siginfo_t` of a child, as C filled it.
 */

import { describe, expect, it } from 'vitest';
import { CLD_EXITED } from '../../../src/native/constants/wait.ts';
import { readChildInfo, SIGINFO_SIZE } from '../../../src/native/layout/siginfo.ts';
import { recordedStruct } from '../../support/recorded-structs.ts';

describe('readChildInfo', () => {
  it('finds every field', () => {
    const bytes = new Uint8Array(8 + SIGINFO_SIZE);
    bytes.set(recordedStruct('siginfo'), 8);
    expect(readChildInfo(new Int32Array(bytes.buffer), 2)).toEqual({
      pid: 4242,
      uid: 1000,
      code: CLD_EXITED,
      status: 3,
    });
  });
});
