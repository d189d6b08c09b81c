/**
 * Mapped memory in place of a user's: what goes in, what comes out, and what does not.
 */

import { describe, expect, it } from 'vitest';
import { Bounce } from '../../../src/io/files/bounce.ts';
import type { Block } from '../../../src/runtime/index.ts';

function blockOf(text: string): Block {
  const bytes = Buffer.from(text);
  return { address: 4096, bytes, words: new Int32Array(1), sizeClass: bytes.length, memory: null };
}

describe('Bounce', () => {
  it('carries what is written, and gives up its block', () => {
    const block = blockOf('........');
    const bounce = new Bounce(block, Buffer.from('abcdef'), 1, 3, false);
    expect(String(block.bytes)).toBe('bcd.....');
    expect(bounce.finish(3)).toBe(block);
  });

  it('brings back what was read, and no more', () => {
    const user = Buffer.from('abcdef');
    const bounce = new Bounce(blockOf('12345678'), user, 1, 4, true);
    expect(String(user)).toBe('abcdef');
    bounce.finish(2);
    expect(String(user)).toBe('a12def');
  });

  it('leaves everything as it was after a failure', () => {
    const user = Buffer.from('abcdef');
    new Bounce(blockOf('12345678'), user, 0, 6, true).finish(-5);
    expect(String(user)).toBe('abcdef');
  });
});
