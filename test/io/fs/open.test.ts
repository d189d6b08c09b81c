/**
 * Opening on the ring: what is plain, what arrives too late, and FIFOs.
 */

import { execFileSync } from 'node:child_process';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDescriptor, OpenRequest } from '../../../src/io/fs/open.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { openDescriptors, ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

const { O_CREAT, O_NONBLOCK, O_RDWR, O_WRONLY } = constants;

function requested(path: string, flags: unknown, mode?: unknown): OpenRequest {
  return OpenRequest.of(path, flags, mode) ?? expect.unreachable('not plain');
}

describe('OpenRequest', () => {
  it('knows plain flags and modes', () => {
    expect(requested('a', undefined)).toMatchObject({ flags: 0, mode: 0o666 });
    expect(requested('a', null, null)).toMatchObject({ flags: 0, mode: 0o666 });
    expect(requested('a', O_CREAT | O_RDWR, 0o600)).toMatchObject({ flags: 0o102, mode: 0o600 });
  });

  it.each([
    ['unknown', 0],
    [{}, 0],
    [1.5, 0],
    [2 ** 31, 0],
    [O_NONBLOCK, 0],
    ['r', '0644'],
    ['r', -1],
    ['r', 2 ** 32],
    ['r', 0.5],
  ])('leaves flags %j and mode %j to Node', (flags, mode) => {
    expect(OpenRequest.of('a', flags, mode)).toBeUndefined();
  });
});

describe('openDescriptor', () => {
  ringTest('6.1', 'leaves nothing behind when the runtime closes', async ({ open }) => {
    const before = openDescriptors().size;
    for (let round = 0; round < 10; round += 1) {
      const runtime: Runtime = open();
      const request = requested('/dev/null', 'r');
      const opening = Array.from({ length: 20 }, () => openDescriptor(runtime, request));
      if (round % 2 === 1) await new Promise(setImmediate);
      const settled = Promise.allSettled(opening);
      await runtime.close();
      for (const outcome of await settled) {
        if (outcome.status === 'fulfilled') await outcome.value.close();
      }
    }
    expect(openDescriptors().size).toBe(before);
  });

  ringTest('6.1', 'lets a writer wait for a reader, not for a device', async ({ open }) => {
    const runtime = open();
    const fifo = join(tempDirectory(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    let isOpen = false;
    const writing = openDescriptor(runtime, requested(fifo, O_WRONLY)).then((descriptor) => {
      isOpen = true;
      return descriptor;
    });
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    expect(isOpen).toBe(false);
    const reader = await openDescriptor(runtime, requested(fifo, 'r'));
    const writer = await writing;
    await reader.close();
    await writer.close();
  });

  ringTest('6.1', 'lets a reader wait for a writer, which leaves at once', async ({ open }) => {
    const runtime = open();
    const fifo = join(tempDirectory(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    let isOpen = false;
    const reading = openDescriptor(runtime, requested(fifo, 'r')).then((descriptor) => {
      isOpen = true;
      return descriptor;
    });
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    expect(isOpen).toBe(false);
    execFileSync('sh', ['-c', 'printf text >"$0"', fifo]);
    const reader = await reading;
    const buffer = Buffer.alloc(8);
    expect(await reader.large('read', buffer, { offset: 0, length: 8, position: -1 })).toBe(4);
    expect(buffer.toString('latin1', 0, 4)).toBe('text');
    await reader.close();
  });

  ringTest('6.1', 'ends a writer that waits when the runtime closes', async ({ open }) => {
    const runtime = open();
    const fifo = join(tempDirectory(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    const waiting = rejectionOf(openDescriptor(runtime, requested(fifo, O_WRONLY)));
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    await runtime.close();
    expect(((await waiting) as NodeJS.ErrnoException).code).toMatch(/^(ECANCELED|EINTR)$/);
  });

  ringTest('6.1', 'ends a reader that waits when the runtime closes', async ({ open }) => {
    const runtime = open();
    const fifo = join(tempDirectory(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    const before = openDescriptors().size;
    const waiting = rejectionOf(openDescriptor(runtime, requested(fifo, 'r')));
    for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    await runtime.close();
    expect(((await waiting) as NodeJS.ErrnoException).code).toBe('ERR_RUNTIME_CLOSED');
    expect(openDescriptors().size).toBeLessThan(before);
  });
});
