/**
 * What comes out of a request line: names without separators, or nothing. Whether names can lead
 * out of the folder through symbolic links is tested in `serve.test.ts`, on a real one.
 */

import { describe, expect, it } from 'vitest';
import { formatFolderPath, parseRequestPath } from '../../../bin/serve/request-path.ts';

describe('parseRequestPath', () => {
  it.each([
    ['/', [], true],
    ['/a', ['a'], false],
    ['/a/', ['a'], true],
    ['/a/b.txt', ['a', 'b.txt'], false],
    ['//a///b', ['a', 'b'], false],
    ['/a/./b', ['a', 'b'], false],
    ['/a/.', ['a'], true],
    ['/a/../b', ['b'], false],
    ['/a/%2e%2E/b', ['b'], false],
    ['/a/..', [], true],
    ['/...', ['...'], false],
    ['/a%20b', ['a b'], false],
    ['/%C3%A4', ['ä'], false],
    ['/\u00c3\u00a4', ['ä'], false],
    ['/%252e%252e', ['%2e%2e'], false],
    ['/a:b', ['a:b'], false],
    ['http://host', [], true],
    ['http://host:80/a', ['a'], false],
    ['HTTPS://host/a', ['a'], false],
  ])('reads %s', (target, names, isFolder) => {
    expect(parseRequestPath(target)).toEqual({ names, isFolder, query: '' });
  });

  it('keeps the query as sent, and drops a fragment', () => {
    expect(parseRequestPath('/a?b=%2e/../c#d')).toEqual({
      names: ['a'],
      isFolder: false,
      query: '?b=%2e/../c',
    });
  });

  it.each([
    '',
    '*',
    'a',
    'host:80',
    'ftp://host/a',
    '/..',
    '/../a',
    '/a/../../b',
    '/%2e%2e/a',
    '/.%2e/a',
    '//..//a',
    '/a%2fb',
    '/..%2f..%2fa',
    '/%2e%2e%2fa',
    '/a%00b',
    '/%00',
    '/%',
    '/%zz',
    '/%ff',
    '/%c0%ae%c0%ae/a',
    'http://host/../a',
  ])('refuses %j', (target) => {
    expect(parseRequestPath(target)).toBeNull();
  });

  it.runIf(process.platform === 'win32')('refuses a backslash where it separates', () => {
    expect(parseRequestPath('/..%5ca')).toBeNull();
  });
});

describe('formatFolderPath', () => {
  it.each([
    [[], '/'],
    [['a', 'b c'], '/a/b%20c/'],
    [['\\host', 'a?b#c'], '/%5Chost/a%3Fb%23c/'],
  ])('formats %j', (names, path) => {
    expect(formatFolderPath(names)).toBe(path);
  });

  it('is read back as the same names', () => {
    const names = ['ä ö', '%2e', 'a\'"<>&', 'http:', '\\'];
    expect(parseRequestPath(formatFolderPath(names))?.names).toEqual(names);
  });
});
