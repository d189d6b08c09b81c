/**
 * Paths, flags, modes and ranges: what is let through, and as what. How refusals are worded is held
 * against Node in `conformance/file-open.ts`.
 */

import { constants } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  openFlags,
  validateMode,
  validateOpenFlags,
  validatePath,
  validateTransfer,
} from '../../../src/io/files/arguments.ts';
import type { TransferOptions } from '../../../src/io/file.ts';

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return undefined;
}

describe('validatePath', () => {
  it.each([
    ['plain', 'plain'],
    ['', ''],
    ['ünïcode', 'ünïcode'],
    [Buffer.from('bytes'), 'bytes'],
    [Uint8Array.from([0x78]), 'x'],
    [new URL('file:///a%20b'), '/a b'],
  ])('encodes %s', (path, expected) => {
    expect(validatePath(path, 'path').equals(Buffer.from(expected))).toBe(true);
  });

  it('keeps bytes that are not UTF-8', () => {
    const bytes = Buffer.from([0xff, 0xfe]);
    expect(validatePath(bytes, 'path').equals(bytes)).toBe(true);
  });

  it('copies, so that a change afterwards is not seen', () => {
    const bytes = Buffer.from('abc');
    const encoded = validatePath(bytes, 'path');
    bytes.fill('x');
    expect(String(encoded)).toBe('abc');
  });

  it.each([
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    [{ toString: () => 'x' }, 'ERR_INVALID_ARG_TYPE'],
    [new Uint16Array(1), 'ERR_INVALID_ARG_TYPE'],
    ['a\0', 'ERR_INVALID_ARG_VALUE'],
    [Buffer.from([0]), 'ERR_INVALID_ARG_VALUE'],
    [new URL('https://example.com/'), 'ERR_INVALID_URL_SCHEME'],
  ])('refuses %s', (path, code) => {
    expect(codeOf(() => validatePath(path, 'path'))).toBe(code);
  });
});

describe('validateOpenFlags', () => {
  it.each([
    ['r', constants.O_RDONLY],
    ['r+', constants.O_RDWR],
    ['w', constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC],
    ['wx+', constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_EXCL],
    ['a', constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND],
    ['as+', constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_SYNC],
    [constants.O_DIRECTORY, constants.O_DIRECTORY],
    [0, 0],
    [-1, -1],
  ])('turns %s into %i', (flags, expected) => {
    expect(validateOpenFlags(flags, 'flags')).toBe(expected);
  });

  it.each(['rx', 'W', ' r', 'r ', '__proto__', 'toString'])('refuses %s', (flags) => {
    expect(codeOf(() => validateOpenFlags(flags, 'flags'))).toBe('ERR_INVALID_ARG_VALUE');
  });
});

describe('validateMode', () => {
  it('takes 32 bits', () => {
    expect([0, 0o777, 2 ** 32 - 1].map((mode) => validateMode(mode, 'mode'))).toEqual([
      0,
      0o777,
      2 ** 32 - 1,
    ]);
    expect(codeOf(() => validateMode(-1, 'mode'))).toBe('ERR_OUT_OF_RANGE');
    expect(codeOf(() => validateMode({}, 'mode'))).toBe('ERR_INVALID_ARG_TYPE');
  });
});

describe('validateTransfer', () => {
  const buffer = Buffer.alloc(10);

  it('names an option that is misspelled', () => {
    expect(() => validateTransfer(Buffer.alloc(9), { lenght: 5 } as object)).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARG_VALUE',
        message: expect.stringContaining('did you mean "length"'),
      }),
    );
  });

  it('fills in what is missing', () => {
    const nothing = { offset: 0, length: 10, position: -1, signal: undefined };
    expect(validateTransfer(buffer, {})).toEqual(nothing);
    const undefineds = { offset: undefined, length: undefined } as unknown as TransferOptions;
    expect(validateTransfer(buffer, undefineds)).toEqual(nothing);
    expect(validateTransfer(buffer, { position: null })).toEqual(nothing);
    expect(validateTransfer(buffer, { offset: 4 })).toMatchObject({ offset: 4, length: 6 });
    expect(validateTransfer(buffer, { offset: 10 })).toMatchObject({ offset: 10, length: 0 });
    const { signal } = new AbortController();
    expect(validateTransfer(buffer, { signal, position: 7, length: 1 })).toEqual({
      offset: 0,
      length: 1,
      position: 7,
      signal,
    });
  });

  it('counts in bytes, whatever the view holds', () => {
    expect(validateTransfer(new Float64Array(3), { offset: 1 })).toMatchObject({ length: 23 });
    const view = new DataView(new ArrayBuffer(100), 50);
    expect(validateTransfer(view, {})).toMatchObject({ offset: 0, length: 50 });
  });

  it('takes positions up to 2^53 - 1', () => {
    const position = Number.MAX_SAFE_INTEGER;
    expect(validateTransfer(buffer, { position }).position).toBe(position);
  });

  it.each([
    [{ offset: 11 }],
    [{ offset: -1 }],
    [{ length: 11 }],
    [{ offset: 5, length: 6 }],
    [{ length: -1 }],
    [{ position: -1 }],
    [{ position: 2 ** 53 }],
    [{ position: 0.5 }],
    [{ length: Infinity }],
  ])('refuses %o', (options) => {
    expect(codeOf(() => validateTransfer(buffer, options))).toBe('ERR_OUT_OF_RANGE');
  });
});

describe('openFlags', () => {
  it('recognizes, and refuses nothing', () => {
    expect([undefined, null, 'r+', 'wx', 5, -1].map(openFlags)).toEqual([0, 0, 2, 0o1301, 5, -1]);
    const others = ['x', '', 1.5, 2 ** 31, {}, 'toString', 5n];
    expect(others.map(openFlags)).toEqual(others.map(() => undefined));
  });
});
