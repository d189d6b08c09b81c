/**
 * `struct futex_waitv`, byte for byte beside C.
 */

import { describe, expect, it } from 'vitest';
import { FUTEX2_PRIVATE, FUTEX2_SIZE_U32 } from '../../../src/native/constants/futex.ts';
import {
  FUTEX_WAITV_SIZE,
  FUTEX_WAITV_WORDS,
  writeFutexWaiter,
} from '../../../src/native/layout/futex.ts';
import { recordedHex, written } from '../../support/recorded-structs.ts';

describe('writeFutexWaiter', () => {
  it('writes the whole struct', () => {
    expect(FUTEX_WAITV_WORDS * 4).toBe(FUTEX_WAITV_SIZE);
    const flags = FUTEX2_SIZE_U32 | FUTEX2_PRIVATE;
    expect(
      written(FUTEX_WAITV_SIZE, (buffer, offset) =>
        writeFutexWaiter(new Int32Array(buffer), offset / 4, 0x7f0123456780, 0x90000001, flags),
      ),
    ).toBe(recordedHex('futex_waitv'));
  });
});
