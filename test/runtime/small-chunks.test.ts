/**
 * Small chunks: whose memory they are, and that they are buffers like any of Node's.
 */

import { describe, expect, it, onTestFinished } from 'vitest';
import { SMALL_CHUNK_MAX, SmallChunks } from '../../src/runtime/small-chunks.ts';

/** Words whose bytes are all `byte`. */
function filled(byte: number): Int32Array {
  return new Int32Array(new Uint8Array(256).fill(byte).buffer);
}

function bytes(chunk: Buffer): number[] {
  return [...chunk];
}

describe('SmallChunks', () => {
  it('copies every length, and touches no chunk before', () => {
    const chunks = new SmallChunks();
    const source = new Int32Array(Uint8Array.from({ length: 256 }, (_, at) => at).buffer);
    const made = Array.from({ length: SMALL_CHUNK_MAX }, (_, at) => chunks.copy(source, at + 1));
    for (const [at, chunk] of made.entries()) {
      expect(bytes(chunk)).toEqual(Array.from({ length: at + 1 }, (_, byte) => byte));
    }
  });

  it('gives buffers of Node, of memory that is shared like its pool', () => {
    const chunks = new SmallChunks();
    const chunk = chunks.copy(filled(7), 5);
    expect(Buffer.isBuffer(chunk)).toBe(true);
    expect(Object.getPrototypeOf(chunk)).toBe(Buffer.prototype);
    expect([chunk.constructor, chunk.toString('hex')]).toEqual([Buffer, '0707070707']);
    expect(chunk.byteOffset % 8).toBe(0);
    expect(chunk.buffer.byteLength).toBe(Buffer.allocUnsafe(5).buffer.byteLength);
  });

  it('shares its memory with no buffer of others', () => {
    const chunks = new SmallChunks();
    const mine: Buffer[] = [];
    const others: Buffer[] = [];
    for (let round = 0; round < 2000; round += 1) {
      mine.push(chunks.copy(filled(1), 1 + (round % SMALL_CHUNK_MAX)));
      others.push(Buffer.allocUnsafe(1 + (round % 100)).fill(2));
    }
    expect(mine.every((chunk) => chunk.every((byte) => byte === 1))).toBe(true);
    expect(others.every((chunk) => chunk.every((byte) => byte === 2))).toBe(true);
  });

  it('has nothing of a pool where the program wants none', () => {
    const { poolSize } = Buffer;
    onTestFinished(() => {
      Buffer.poolSize = poolSize;
    });
    Buffer.poolSize = 0;
    const chunks = new SmallChunks();
    const chunk = chunks.copy(filled(3), 6);
    expect([chunk.toString('hex'), chunk.buffer.byteLength]).toEqual(['030303030303', 6]);
    expect(chunks.copy(filled(4), 6).buffer).not.toBe(chunk.buffer);
    expect(bytes(chunk)).toEqual([3, 3, 3, 3, 3, 3]);
  });

  it('may be transferred no more than what Node has in its pool', () => {
    const chunks = new SmallChunks();
    const chunk = chunks.copy(filled(5), 8);
    expect(transfer(chunk)).toBe(transfer(Buffer.allocUnsafe(8)));
    expect(bytes(chunk)).toEqual([5, 5, 5, 5, 5, 5, 5, 5]);
  });
});

/** What comes of handing a buffer's memory away. */
function transfer(buffer: Buffer): string {
  const memory = buffer.buffer as ArrayBuffer;
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage(memory, [memory]);
    return `sent, ${memory.byteLength} left`;
  } catch (error) {
    return String(error);
  } finally {
    port1.close();
    port2.close();
  }
}
