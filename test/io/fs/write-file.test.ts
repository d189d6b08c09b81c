/**
 * Writing whole files: short writes, aborts, and which options and data are plain. What else it
 * does is in `conformance/fs-files.ts`.
 */

import { describe, expect, it } from 'vitest';
import type { RingDescriptor } from '../../../src/io/fs/ring-descriptor.ts';
import { plainData, plainWriteOptions, writeDescriptor } from '../../../src/io/fs/write-file.ts';
import { rejectionOf } from '../../support/rejections.ts';

const plain = plainWriteOptions(undefined, 'w') ?? expect.unreachable('not plain');

/** A descriptor that writes as many bytes as it is told, each time. */
function shortWriter(counts: number[]): { on: RingDescriptor; written: string[] } {
  const written: string[] = [];
  const on = {
    write(_settle: unknown, data: Uint8Array, offset: number, length: number) {
      const count = Math.min(length, counts.shift() ?? length);
      written.push(Buffer.from(data.buffer, data.byteOffset + offset, count).toString());
      return Promise.resolve(count);
    },
  };
  return { on: on as unknown as RingDescriptor, written };
}

describe('writeDescriptor', () => {
  it('goes on after a short write', async () => {
    const { on, written } = shortWriter([3, 1]);
    await writeDescriptor(on, Buffer.from('content'), plain);
    expect(written).toEqual(['con', 't', 'ent']);
  });

  it('writes in pieces that can be aborted', async () => {
    const { on, written } = shortWriter([]);
    await writeDescriptor(on, Buffer.alloc(2_500_000, 'x'), plain);
    expect(written.map((piece) => piece.length)).toEqual([1_048_576, 1_048_576, 402_848]);
  });

  it('aborts between two pieces', async () => {
    const controller = new AbortController();
    const { on, written } = shortWriter([]);
    async function* pieces(): AsyncGenerator<string> {
      yield 'one';
      controller.abort();
      yield 'two';
    }
    const options = { ...plain, signal: controller.signal };
    const error = await rejectionOf(writeDescriptor(on, pieces(), options));
    expect(error).toMatchObject({ name: 'AbortError' });
    expect(written).toEqual(['one']);
  });

  it('passes on what an iterable throws', async () => {
    const failure = new Error('no more');
    const { on } = shortWriter([]);
    function* pieces(): Generator<string> {
      yield 'one';
      throw failure;
    }
    expect(await rejectionOf(writeDescriptor(on, pieces(), plain))).toBe(failure);
  });
});

describe('arguments', () => {
  it('have defaults', () => {
    expect(plain).toEqual({
      encoding: 'utf8',
      flag: 'w',
      mode: undefined,
      flush: false,
      signal: undefined,
    });
    expect(plainWriteOptions({ flag: null, flush: true }, 'a')).toMatchObject({
      flag: 'a',
      flush: true,
    });
  });

  it('are left to Node where they are not plain', () => {
    const others = [5, () => {}, 'none', { encoding: 1 }, { flush: 1 }, { signal: {} }];
    for (const other of others) expect(plainWriteOptions(other, 'w')).toBeUndefined();
    for (const data of [5, null, undefined, {}, true]) {
      expect(plainData(data, plain)).toBeUndefined();
    }
  });

  it('are text, bytes or pieces', () => {
    const view = new Uint16Array(2);
    expect(plainData('é', { ...plain, encoding: 'latin1' })).toEqual(Buffer.from([0xe9]));
    expect(plainData(view, plain)).toBe(view);
    const pieces = ['a'];
    expect(plainData(pieces, plain)).toBe(pieces);
  });
});
