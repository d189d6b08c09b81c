/**
 * The Linux implementation of the `Kernel` interface: that each call is the system call it says,
 * and that descriptors of a worker go with it.
 */

import { once } from 'node:events';
import { closeSync, openSync, readlinkSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { EBADF } from '../../src/native/errno.ts';
import { linuxHost } from '../../src/native/kernel.ts';
import type { Host } from '../../src/native/kernel.ts';
import { importUrl, runScript } from '../support/child.ts';

const NO_DESCRIPTOR = 1_000_000;
const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };

/** Says how large the C library's heap is when 300 blocks of 100 kB have come and gone. */
const HEAP_SIZE = `
  import { readFileSync } from 'node:fs';
  import { loadLibc } from '${importUrl('dist/src/native/libc.js')}';
  import { linuxHost } from '${importUrl('dist/src/native/kernel.js')}';
  const libc = loadLibc();
  function heapSize() {
    const maps = readFileSync('/proc/self/maps', 'latin1');
    const [, from, to] = /^(\\w+)-(\\w+) .*\\[heap\\]$/m.exec(maps);
    return parseInt(to, 16) - parseInt(from, 16);
  }
  function sizeAfterBlocks() {
    for (const block of Array.from({ length: 300 }, () => libc.malloc(100_000))) libc.free(block);
    return heapSize();
  }
  const before = sizeAfterBlocks();
  linuxHost().kernel.mallocAndFree(32 * 1024 * 1024 - 65_536);
  console.log(JSON.stringify({ before, after: sizeAfterBlocks() }));
`;

function host(): Host {
  const found = linuxHost();
  if (typeof found === 'string') throw new Error(found);
  return found;
}

function isOpen(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === '/dev/null';
  } catch {
    // There is no such descriptor.
    return false;
  }
}

describe('linuxHost', () => {
  it('gives a kernel, and the loop of the thread', () => {
    expect(host().loop).toBe(host().loop);
    expect(host().loop.backendFd).toBeGreaterThan(2);
  });
});

describe('Kernel', () => {
  it('passes failures on as -errno', () => {
    const { kernel } = host();
    const results = [
      kernel.ioUringEnter(NO_DESCRIPTOR, 0, 0, 0, 0, 0),
      kernel.ioUringRegister(NO_DESCRIPTOR, 0, 0, 0),
      kernel.mapRing(NO_DESCRIPTOR, 0, 4096),
      kernel.close(NO_DESCRIPTOR),
      kernel.bind(NO_DESCRIPTOR, 0, 0),
      kernel.listen(NO_DESCRIPTOR, 1),
      kernel.getsockname(NO_DESCRIPTOR, 0, 0),
      kernel.getpeername(NO_DESCRIPTOR, 0, 0),
      kernel.setsockopt(NO_DESCRIPTOR, 1, 1, 0, 0),
      kernel.getsockopt(NO_DESCRIPTOR, 1, 1, 0, 0),
    ];
    expect(results).toEqual(results.map(() => -EBADF));
  });

  it.skipIf(header.glibcVersionRuntime === undefined)(
    'has glibc keep what is freed, once it saw a large block come and go',
    async () => {
      const { stdout } = await runScript(HEAP_SIZE, {
        env: { MALLOC_TRIM_THRESHOLD_: undefined },
      });
      const { before = 0, after = 0 } = JSON.parse(stdout) as Record<string, number>;
      expect(after - before).toBeGreaterThan(20_000_000);
    },
  );

  it('allocates memory whose address it knows', () => {
    const { kernel } = host();
    const memory = kernel.allocate(100);
    if (typeof memory === 'number') throw new Error(`mmap failed with ${memory}`);
    expect(kernel.addressOf(memory.buffer)).toBe(memory.address);
    memory.free();
  });

  it('closes descriptors', () => {
    const fd = openSync('/dev/null', 'r');
    expect(host().kernel.close(fd)).toBe(0);
    expect(isOpen(fd)).toBe(false);
  });

  it('has a clock that goes forward, in milliseconds with fractions', () => {
    const { kernel } = host();
    const times = Array.from({ length: 1000 }, () => kernel.nowMs());
    expect(times.every((time, i) => i === 0 || time >= (times[i - 1] ?? 0))).toBe(true);
    expect(times.some((time) => !Number.isInteger(time))).toBe(true);
    expect(Math.abs(kernel.nowMs() - performance.now())).toBeLessThan(1000);
  });
});

describe('Kernel.closeOnExit in a worker', () => {
  it('closes what is still owned when the worker is terminated, and nothing else', async () => {
    const fds = Array.from({ length: 4 }, () => openSync('/dev/null', 'r'));
    const [owned = -1, ownedTwice = -1, forgotten = -1, closed = -1] = fds;
    const worker = new Worker(
      `import('${importUrl('dist/src/native/index.js')}').then(({ linuxHost }) => {
         const { kernel } = linuxHost();
         for (const fd of ${JSON.stringify(fds)}) kernel.closeOnExit(fd);
         kernel.closeOnExit(${ownedTwice});
         kernel.forgetOnExit(${forgotten});
         kernel.forgetOnExit(${forgotten});
         kernel.close(${closed});
         require('node:worker_threads').parentPort.postMessage('ready');
         setInterval(() => {}, 1000);
       });`,
      { eval: true },
    );
    await once(worker, 'message');
    expect(fds.map((fd) => isOpen(fd))).toEqual([true, true, true, false]);
    // The number is somebody else's by now, and must not be closed with the worker.
    const next = openSync('/dev/null', 'r');
    expect(next).toBe(closed);
    await worker.terminate();
    expect([owned, ownedTwice, forgotten, next].map((fd) => isOpen(fd))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    closeSync(forgotten);
    closeSync(next);
  });

  it('does nothing in the main thread, whose process closes everything', () => {
    const { kernel } = host();
    const fd = openSync('/dev/null', 'r');
    kernel.closeOnExit(fd);
    kernel.forgetOnExit(fd);
    expect(isOpen(fd)).toBe(true);
    expect(kernel.close(fd)).toBe(0);
  });
});
