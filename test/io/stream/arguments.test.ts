/**
 * Arguments of streams: what is taken, and Node's codes for what is not.
 */

import { describe, expect, it } from 'vitest';
import { bytesOf, validateSignal } from '../../../src/io/stream/arguments.ts';

describe('bytesOf', () => {
  it('encodes strings and leaves views alone', () => {
    expect([...bytesOf('ä')]).toEqual([0xc3, 0xa4]);
    const view = new Uint8Array(3);
    expect(bytesOf(view)).toBe(view);
  });

  it.each([
    [new Uint16Array(1), 'ERR_INVALID_ARG_TYPE'],
    [new DataView(new ArrayBuffer(1)), 'ERR_INVALID_ARG_TYPE'],
    [1n, 'ERR_INVALID_ARG_TYPE'],
    [new Uint8Array(new SharedArrayBuffer(1)), 'ERR_INVALID_ARG_VALUE'],
  ])('refuses %s', (value, code) => {
    expect(() => bytesOf(value)).toThrow(expect.objectContaining({ code }));
  });
});

describe('validateSignal', () => {
  it('takes a signal or nothing', () => {
    const { signal } = new AbortController();
    expect([validateSignal(signal), validateSignal(undefined)]).toEqual([signal, undefined]);
    for (const wrong of [null, {}, 'abort']) {
      expect(() => validateSignal(wrong)).toThrow(
        expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
      );
    }
  });
});
