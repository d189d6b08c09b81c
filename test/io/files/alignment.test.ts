/**
 * Which transfers direct I/O takes, and how the refusal names the argument.
 */

import { describe, expect, it } from 'vitest';
import { validateAlignment } from '../../../src/io/files/alignment.ts';

const ALIGNMENT = { memory: 512, offset: 4096 };

describe('validateAlignment', () => {
  it.each([
    ['aligned', 512, 4096, 8192],
    ['at the current position', 1024, 8192, -1],
    ['of nothing', 0, 0, 0],
  ])('takes a transfer %s', (_, address, length, position) => {
    expect(() => validateAlignment(ALIGNMENT, address, length, position)).not.toThrow();
  });

  it.each([
    ['buffer', 513, 4096, 0, /'buffer'.*multiple of 512 in memory/],
    ['length', 512, 4095, 0, /'length'.*multiple of 4096/],
    ['position', 512, 4096, 512, /'position'.*multiple of 4096/],
  ])('names the %s that is not', (_, address, length, position, message) => {
    const refused = { code: 'ERR_INVALID_ARG_VALUE', message: expect.stringMatching(message) };
    expect(() => validateAlignment(ALIGNMENT, address, length, position)).toThrow(
      expect.objectContaining(refused),
    );
  });

  it('asks for nothing where the kernel does not tell', () => {
    expect(() => validateAlignment({ memory: 1, offset: 1 }, 3, 5, 7)).not.toThrow();
  });
});
