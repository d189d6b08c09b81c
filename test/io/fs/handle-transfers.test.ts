/**
 * Which forms of read and write are plain, on a descriptor that only notes what it is asked for.
 * What they do is in `conformance/fs-handles.ts`.
 */

import { describe, expect, it } from 'vitest';
import {
  beginRead,
  beginReadv,
  beginWrite,
  beginWritev,
} from '../../../src/io/fs/handle-transfers.ts';
import type { RingDescriptor } from '../../../src/io/fs/ring-descriptor.ts';

function recorder(): { on: RingDescriptor; calls: unknown[][] } {
  const calls: unknown[][] = [];
  const note = (_settle: unknown, ...rest: unknown[]): Promise<object> => {
    calls.push(rest);
    return Promise.resolve({ bytesRead: 1 });
  };
  const knows = (): boolean => false;
  const on = { isOpen: true, awaitsWriter: false, knows, read: note, write: note, vector: note };
  return { on: on as unknown as RingDescriptor, calls };
}

const buffer = Buffer.alloc(8);

describe('beginRead', () => {
  it.each([
    [
      [buffer, 1, 2, 3],
      [1, 2, 3],
    ],
    [
      [buffer, 1, 2, null],
      [1, 2, -1],
    ],
    [[buffer], [0, 8, -1]],
    [
      [buffer, 3],
      [3, 5, -1],
    ],
    [
      [buffer, null, null, 0],
      [0, 8, 0],
    ],
    [
      [buffer, { position: 4 }],
      [0, 8, 4],
    ],
    [[{ buffer, offset: 2 }], [2, 6, -1]],
    [[{ buffer, length: 1, position: -1 }], [0, 1, -1]],
  ])('begins %j', (form, expected) => {
    const { on, calls } = recorder();
    const [a, b, c, d] = form as unknown[];
    expect(beginRead(on, a, b, c, d)).toBeInstanceOf(Promise);
    expect(calls).toEqual([[buffer, ...expected]]);
  });

  it('makes a buffer where there is none', () => {
    const { on, calls } = recorder();
    expect(beginRead(on, undefined, 0, 0, 0)).toBeInstanceOf(Promise);
    expect(calls[0]?.slice(1)).toEqual([0, 16_384, -1]);
  });

  it.each([
    [[buffer, -1, 1, 0]],
    [[buffer, 0, 9, 0]],
    [[buffer, 0, 0, 0]],
    [[buffer, 0, 1, 1n]],
    [[buffer, 0, 1, 2 ** 53]],
    [[buffer, '0', 1, 0]],
    [[new Uint8Array(new SharedArrayBuffer(8)), 0, 1, 0]],
    [[{ buffer: null }]],
    [['text']],
    [[[]]],
  ])('leaves form %# to Node', (form) => {
    const { on, calls } = recorder();
    const [a, b, c, d] = form as unknown[];
    expect(beginRead(on, a, b, c, d)).toBeNull();
    expect(calls).toEqual([]);
  });
});

describe('beginWrite', () => {
  it('takes a position only where it is a number', () => {
    const { on, calls } = recorder();
    for (const position of [5, null, 5n, '5']) {
      expect(beginWrite(on, buffer, 0, 8, position)).toBeInstanceOf(Promise);
    }
    expect(calls.map((call) => call[3])).toEqual([5, -1, -1, -1]);
  });

  it('encodes text, and leaves other encodings to Node', () => {
    const { on, calls } = recorder();
    expect(beginWrite(on, 'é', 3, undefined, undefined)).toBeInstanceOf(Promise);
    expect(calls).toEqual([[Buffer.from('é'), 0, 2, 3]]);
    expect(beginWrite(on, 'é', 3, 'latin1', undefined)).toBeNull();
    expect(beginWrite(on, '', 0, undefined, undefined)).toBeNull();
  });
});

describe('lists of buffers', () => {
  it('are plain up to IOV_MAX', () => {
    const { on, calls } = recorder();
    const list = Array.from({ length: 1024 }, () => buffer);
    expect(beginReadv(on, list, 4)).toBeInstanceOf(Promise);
    expect(beginWritev(on, list, null)).toBeInstanceOf(Promise);
    expect(calls.map(([syscall, , position]) => [syscall, position])).toEqual([
      ['read', 4],
      ['write', -1],
    ]);
    for (const wrong of [[...list, buffer], [buffer, 'x'], 'x', null]) {
      expect([beginReadv(on, wrong, 0), beginWritev(on, wrong, 0)]).toEqual([null, null]);
    }
  });

  it('that are empty are refused by us when they are to be read into', async () => {
    const { on, calls } = recorder();
    const code = { code: 'EINVAL', syscall: 'read', message: 'EINVAL: invalid argument, read' };
    await expect(beginReadv(on, [], 0)).rejects.toMatchObject(code);
    expect(beginWritev(on, [], 0)).toBeNull();
    expect(calls).toEqual([]);
  });
});

describe('a descriptor that is not open', () => {
  it('is left to Node', () => {
    const { on } = recorder();
    const closed = { ...on, isOpen: false } as RingDescriptor;
    expect(beginRead(closed, buffer, 0, 1, 0)).toBeNull();
    expect(beginWrite(closed, buffer, 0, 1, 0)).toBeNull();
    expect(beginReadv(closed, [buffer], 0)).toBeNull();
    expect(beginWritev(closed, [buffer], 0)).toBeNull();
  });
});
