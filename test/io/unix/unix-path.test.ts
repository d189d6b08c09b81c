/**
 * Names of Unix sockets: what is taken and what is refused.
 */

import { describe, expect, it } from 'vitest';
import { validateUnixPath } from '../../../src/io/unix/unix-path.ts';

describe('validateUnixPath', () => {
  it.each([
    ['/tmp/a.sock', false],
    [Buffer.from('/tmp/ä'), false],
    ['\0abstract', true],
    ['\0with\0nuls', true],
    ['x'.repeat(107), false],
    [`\0${'x'.repeat(107)}`, true],
  ])('takes %j', (path, isAbstract) => {
    const name = validateUnixPath(path, 'path');
    expect(name).toEqual({
      bytes: Buffer.from(path),
      text: Buffer.from(path).toString(),
      isAbstract,
    });
  });

  it.each([
    [5, 'ERR_INVALID_ARG_TYPE'],
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    ['', 'ERR_INVALID_ARG_VALUE'],
    ['a\0b', 'ERR_INVALID_ARG_VALUE'],
    ['x'.repeat(108), 'ERR_INVALID_ARG_VALUE'],
    [`\0${'x'.repeat(108)}`, 'ERR_INVALID_ARG_VALUE'],
  ])('refuses %j', (path, code) => {
    expect(() => validateUnixPath(path, 'path')).toThrow(expect.objectContaining({ code }));
  });
});
