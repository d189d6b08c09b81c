/**
 * Ranges against the sizes where they turn over. Sending them is tested in `serve.test.ts`.
 */

import { describe, expect, it } from 'vitest';
import { formatContentRange, resolveRange } from '../../../bin/serve/range.ts';

describe('resolveRange', () => {
  it.each([
    ['bytes=0-0', 10, { start: 0, length: 1 }],
    ['bytes=0-9', 10, { start: 0, length: 10 }],
    ['bytes=0-10', 10, { start: 0, length: 10 }],
    ['bytes=9-9', 10, { start: 9, length: 1 }],
    ['bytes=3-', 10, { start: 3, length: 7 }],
    ['bytes=-3', 10, { start: 7, length: 3 }],
    ['bytes=-10', 10, { start: 0, length: 10 }],
    ['bytes=-11', 10, { start: 0, length: 10 }],
    ['BYTES = 2-3 ', 10, { start: 2, length: 2 }],
    ['bytes=2-3,', 10, { start: 2, length: 2 }],
    [`bytes=1-${'9'.repeat(400)}`, 10, { start: 1, length: 9 }],
  ])('resolves %s of %i bytes', (header, size, range) => {
    expect(resolveRange(header, size)).toEqual(range);
  });

  it.each([
    ['bytes=10-', 10],
    ['bytes=10-20', 10],
    [`bytes=${'9'.repeat(400)}-`, 10],
    ['bytes=-0', 10],
    ['bytes=0-', 0],
    ['bytes=0-0', 0],
  ])('refuses %s of %i bytes', (header, size) => {
    expect(resolveRange(header, size)).toBe('unsatisfiable');
  });

  it.each([
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=5-4',
    'bytes=a-b',
    'bytes=+1-2',
    'bytes=1-2-3',
    'bytes=0x1-2',
    'bytes=0-1,3-4',
    'items=0-1',
  ])('takes %s for the whole file', (header) => {
    expect(resolveRange(header, 10)).toBeNull();
  });

  it('takes the last bytes of an empty file for the whole of it', () => {
    expect(resolveRange('bytes=-5', 0)).toBeNull();
  });
});

describe('formatContentRange', () => {
  it('names the first and the last byte, and the size', () => {
    expect(formatContentRange({ start: 3, length: 2 }, 10)).toBe('bytes 3-4/10');
  });
});
