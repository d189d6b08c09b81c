/**
 * What errors become: statuses for clients, lines for people.
 */

import { describe, expect, it } from 'vitest';
import {
  codeOf,
  describeError,
  describeFolderFailure,
  describeListenFailure,
  statusOf,
} from '../../../bin/serve/failures.ts';

function withCode(code: string): Error {
  return Object.assign(new Error(`${code}: what happened,\n  in two lines`), { code });
}

describe('statusOf', () => {
  it.each([
    ['ENOENT', 404],
    ['ENOTDIR', 404],
    ['ELOOP', 404],
    ['ENAMETOOLONG', 404],
    ['EACCES', 403],
    ['EPERM', 403],
    ['EXDEV', 403],
    ['ENXIO', 403],
    ['EMFILE', 503],
    ['EIO', 500],
  ])('turns %s into %i', (code, status) => {
    expect(statusOf(withCode(code))).toBe(status);
  });

  it('turns what it does not know into 500', () => {
    expect([statusOf(new Error('x')), statusOf('x'), statusOf(undefined)]).toEqual([500, 500, 500]);
  });
});

describe('codeOf', () => {
  it('is empty without a code', () => {
    expect(codeOf(withCode('EIO'))).toBe('EIO');
    expect([codeOf(new Error('x')), codeOf(null), codeOf({ code: 'EIO' })]).toEqual(['', '', '']);
  });
});

describe('lines for people', () => {
  const codes = ['ENOENT', 'ENOTDIR', 'EACCES', 'EADDRINUSE', 'EADDRNOTAVAIL', 'ENOTFOUND', 'EIO'];

  it('are one line each, and name what it is about', () => {
    for (const error of codes.map(withCode)) {
      const folder = describeFolderFailure(error, 'some/where');
      const listen = describeListenFailure(error, '127.0.0.1', 8080);
      expect(folder).toContain('some/where');
      expect(listen).toMatch(/8080|127\.0\.0\.1/);
      expect(folder + listen + describeError(error)).not.toContain('\n');
    }
  });

  it('tell failures apart', () => {
    const lines = codes.map((code) => describeFolderFailure(withCode(code), 'a'));
    expect(lines.slice(0, 3)).toEqual([
      'There is no folder a',
      'a is not a folder',
      'No permission to read the folder a',
    ]);
    expect(describeListenFailure(withCode('EADDRINUSE'), '::1', 1)).toContain('is taken');
  });
});
