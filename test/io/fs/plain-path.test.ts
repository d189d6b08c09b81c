/**
 * Paths that the ring takes as they are, and how they are written into a block.
 */

import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { pathSizeMax, plainPath, shownPath, writePath } from '../../../src/io/fs/plain-path.ts';
import type { Block } from '../../../src/runtime/memory-pool.ts';

function blockOf(size: number): Block {
  const bytes = Buffer.alloc(size, 0xff);
  const words = new Int32Array(0);
  return { address: 0, bytes, words, sizeClass: size, memory: null };
}

describe('plainPath', () => {
  it('recognizes strings, bytes and file URLs', () => {
    const bytes = Buffer.from('a');
    expect(plainPath('a/ü')).toBe('a/ü');
    expect(plainPath('')).toBe('');
    expect(plainPath(bytes)).toBe(bytes);
    expect(plainPath(pathToFileURL('/a b'))).toBe('/a b');
  });

  it.each([
    ['zero in text', 'a\0b'],
    ['zero in bytes', Buffer.from('a\0b')],
    ['zero in a URL', new URL('file:///a%00b')],
    ['a URL of something else', new URL('http://example.org/')],
    ['a number', 5],
    ['nothing', undefined],
    ['an object', { href: 'file:///a' }],
  ])('leaves %s to Node', (_name, path) => {
    expect(plainPath(path)).toBeUndefined();
  });
});

describe('writePath', () => {
  it.each(['', 'a', 'ü€😀', '\ud800x', 'x'.repeat(300)])('ends %j with a zero', (path) => {
    const block = blockOf(3 + pathSizeMax(path));
    const end = writePath(block, 3, path);
    const encoded = Buffer.from(path);
    expect(end).toBe(3 + encoded.length + 1);
    expect(block.bytes.subarray(3, end)).toEqual(Buffer.concat([encoded, Buffer.alloc(1)]));
    expect(block.bytes.subarray(0, 3)).toEqual(Buffer.alloc(3, 0xff));
  });

  it('takes bytes as they are', () => {
    const path = Buffer.from([0xff, 0xfe, 0x2f]);
    const block = blockOf(pathSizeMax(path));
    expect(writePath(block, 0, path)).toBe(4);
    expect([...block.bytes]).toEqual([0xff, 0xfe, 0x2f, 0]);
  });
});

describe('shownPath', () => {
  it('is text, also for bytes', () => {
    expect([shownPath('a'), shownPath(Buffer.from('b'))]).toEqual(['a', 'b']);
    expect(shownPath(new Uint8Array([99]))).toBe('c');
  });
});
