/**
 * The position after a short write: moved on where the kernel left it behind, left alone where it
 * did not, and of one write at a time. That users lose nothing is in `conformance/file-faults.ts`.
 */

import { describe, expect, it } from 'vitest';
import { WriteCursor } from '../../../src/io/files/write-cursor.ts';
import { ESPIPE, O_APPEND, SEEK_CUR, SEEK_END, SEEK_SET } from '../../../src/native/abi.ts';
import type { Engine, Operation } from '../../../src/runtime/index.ts';

const FD = 5;

/** A descriptor whose position a test sets, with what was done to it. */
function given(position: number, flags = 0) {
  const file = { position, size: 1000, seeks: [] as string[] };
  const calls = {
    fcntl: () => flags,
    seek(_fd: number, offset: number, whence: number): number {
      if (file.position < 0) return -ESPIPE;
      if (whence === SEEK_CUR) return file.position;
      file.position = whence === SEEK_END ? file.size : offset;
      file.seeks.push(whence === SEEK_SET ? `to ${offset}` : 'to the end');
      return file.position;
    },
  };
  const engine = { calls } as unknown as Engine;
  const cursor = new WriteCursor();
  const operation = (): Operation => ({}) as Operation;
  return {
    file,
    operation,
    begin: (writing: Operation, length: number) => cursor.begin(engine, FD, writing, length),
    end: (writing: Operation, result: number) => cursor.end(engine, FD, writing, result),
  };
}

describe('WriteCursor', () => {
  it('moves on what the kernel left behind', () => {
    const { file, operation, begin, end } = given(100);
    const writing = operation();
    begin(writing, 50);
    end(writing, 20);
    expect([file.position, file.seeks]).toEqual([120, ['to 120']]);
  });

  it('leaves alone what the kernel moved', () => {
    const { file, operation, begin, end } = given(100);
    const writing = operation();
    begin(writing, 50);
    file.position = 120;
    end(writing, 20);
    expect([file.position, file.seeks]).toEqual([120, []]);
  });

  it('does nothing after a write that is whole, empty or failed', () => {
    const { file, operation, begin, end } = given(100);
    for (const result of [50, 0, -28]) {
      const writing = operation();
      begin(writing, 50);
      end(writing, result);
    }
    expect([file.position, file.seeks]).toEqual([100, []]);
  });

  it('goes to the end of a file that is appended to', () => {
    const { file, operation, begin, end } = given(0, O_APPEND);
    const writing = operation();
    begin(writing, 50);
    end(writing, 20);
    expect([file.position, file.seeks]).toEqual([1000, ['to the end']]);
  });

  it('follows one write at a time', () => {
    const { file, operation, begin, end } = given(100);
    const [first, second] = [operation(), operation()];
    begin(first, 50);
    begin(second, 50);
    end(second, 20);
    expect(file.seeks).toEqual([]);
    end(first, 30);
    expect(file.seeks).toEqual(['to 130']);
    const third = operation();
    begin(third, 50);
    end(third, 1);
    expect(file.seeks).toEqual(['to 130', 'to 131']);
  });

  it('knows what has no position', () => {
    const { file, operation, begin, end } = given(-1);
    const writing = operation();
    begin(writing, 50);
    end(writing, 20);
    expect(file.seeks).toEqual([]);
  });
});
