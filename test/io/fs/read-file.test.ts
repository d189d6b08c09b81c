/**
 * Reading whole files: files that shrink or grow meanwhile, aborts between and during pieces, and
 * which options are plain. What else it does is in `conformance/fs-files.ts`.
 */

import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDescriptor, OpenRequest } from '../../../src/io/fs/open.ts';
import {
  isPlainSignal,
  plainEncoding,
  plainReadOptions,
  readDescriptor,
  rejectAborted,
} from '../../../src/io/fs/read-file.ts';
import type { RingDescriptor } from '../../../src/io/fs/ring-descriptor.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

const plain = { encoding: null, flag: undefined, signal: undefined };

async function opened(runtime: Runtime, path: string): Promise<RingDescriptor> {
  const request = OpenRequest.of(path, 'r', undefined) ?? expect.unreachable('not plain');
  return await openDescriptor(runtime, request);
}

/** The same descriptor, with something done before the read of the given number. */
function before(on: RingDescriptor, number: number, act: () => void): RingDescriptor {
  let reads = 0;
  return new Proxy(on, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (name === 'read' && (reads += 1) === number) act();
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
}

describe('readDescriptor', () => {
  ringTest('6.1', 'gives what is there of a file that shrinks', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    const size = 18 * 1024 * 1024;
    const left = 5 * 1024 * 1024 + 17;
    writeFileSync(path, Buffer.alloc(size, 'x'));
    const on = await opened(runtime, path);
    const shrinking = before(on, 2, () => truncateSync(path, left));
    const content = (await readDescriptor(shrinking, plain)) as Buffer;
    expect(content.length).toBe(left);
    expect(content.every((byte) => byte === 0x78)).toBe(true);
    await on.close();
  });

  ringTest('6.1', 'gives what a file had that grows', async ({ open }) => {
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, 'content');
    const on = await opened(open(), path);
    const growing = before(on, 1, () => writeFileSync(path, ' and more', { flag: 'a' }));
    expect(String(await readDescriptor(growing, plain))).toBe('content');
    await on.close();
  });

  ringTest('6.1', 'rejects when it is aborted, before any piece', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, Buffer.alloc(18 * 1024 * 1024));
    for (const piece of [1, 2, 4]) {
      const controller = new AbortController();
      const reason = new Error(`before piece ${piece}`);
      const on = await opened(runtime, path);
      const aborting = before(on, piece, () => controller.abort(reason));
      const { signal } = controller;
      const error = await rejectionOf(readDescriptor(aborting, { ...plain, signal }));
      expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: reason });
      expect(on.isBusy).toBe(false);
      await on.close();
    }
  });

  ringTest('6.1', 'has nothing for a file beyond the limit of Node', async ({ open }) => {
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, '');
    truncateSync(path, 2 ** 31);
    const on = await opened(open(), path);
    expect(await readDescriptor(on, plain)).toBeNull();
    await on.close();
  });
});

describe('options', () => {
  it('are plain, or left to Node', () => {
    expect(plainReadOptions(undefined)).toEqual(plain);
    expect(plainReadOptions('utf8')).toEqual({ ...plain, encoding: 'utf8' });
    expect(plainReadOptions({ flag: 'r+' })).toEqual({ ...plain, flag: 'r+' });
    const aborted = AbortSignal.abort();
    const others = [5, () => {}, 'none', { encoding: 1 }, { buffer: 1 }, { signal: aborted }];
    for (const other of others) expect(plainReadOptions(other)).toBeUndefined();
  });

  it('know encodings and signals', () => {
    expect([null, 'hex', 'x', 5].map(plainEncoding)).toEqual([null, 'hex', undefined, undefined]);
    const { signal } = new AbortController();
    const signals = [undefined, signal, AbortSignal.abort(), {}, null];
    expect(signals.map(isPlainSignal)).toEqual([true, true, false, false, false]);
  });
});

describe('rejectAborted', () => {
  it('rejects as Node does', async () => {
    const cause = new Error('enough');
    const error = await rejectionOf(rejectAborted(AbortSignal.abort(cause)));
    expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause });
  });
});
