/**
 * `struct open_how`, byte for byte beside C.
 */

import { describe, expect, it } from 'vitest';
import { RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS } from '../../../src/native/constants/files.ts';
import { OPEN_HOW_SIZE, writeOpenHow } from '../../../src/native/layout/open-how.ts';
import { recordedHex, written } from '../../support/recorded-structs.ts';

describe('writeOpenHow', () => {
  // O_CLOEXEC | O_NOFOLLOW as on x86-64, by number: Arm has another O_NOFOLLOW.
  const how = { flags: 0xa0000, mode: 0o640, resolve: RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };

  it('writes the whole struct', () => {
    expect(
      written(OPEN_HOW_SIZE, (buffer, offset) => writeOpenHow(new Uint8Array(buffer), offset, how)),
    ).toBe(recordedHex('open_how'));
  });

  it('counts the offset from the start of the view', () => {
    expect(
      written(OPEN_HOW_SIZE, (buffer, offset) =>
        writeOpenHow(new Uint8Array(buffer, 8), offset - 8, how),
      ),
    ).toBe(recordedHex('open_how'));
  });
});
