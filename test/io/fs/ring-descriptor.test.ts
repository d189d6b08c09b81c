/**
 * A descriptor on the ring: who closes it, when, and what happens meanwhile. What its operations
 * do is in `conformance/fs-handles.ts`.
 */

import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import {
  CURRENT_POSITION,
  RingDescriptor,
  settleRead,
  settleReadv,
  settleWithCount,
  settleWrite,
  settleWritev,
} from '../../../src/io/fs/ring-descriptor.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { openDescriptors, ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

function digits(runtime: Runtime, flags = 'r+'): RingDescriptor {
  const path = join(tempDirectory(), 'digits');
  writeFileSync(path, '0123456789');
  return new RingDescriptor(runtime, openSync(path, flags));
}

describe('RingDescriptor', () => {
  ringTest('6.1', 'settles as Node does, in objects that inherit nothing', async ({ open }) => {
    const on = digits(open());
    const buffer = Buffer.alloc(4);
    const buffers = [Buffer.alloc(1), Buffer.alloc(2)];
    const results = [
      await on.read<object>(settleRead, buffer, 1, 2, 5),
      await on.vector<object>(settleReadv, 'read', buffers, 0),
      await on.write<object>(settleWrite, buffer, 0, 4, 0),
      await on.vector<object>(settleWritev, 'write', buffers, 4),
    ];
    expect(results.map((result) => Object.getPrototypeOf(result))).toEqual(Array(4).fill(null));
    expect(results.map((result) => ({ ...result }))).toEqual([
      { bytesRead: 2, buffer },
      { bytesRead: 3, buffers },
      { bytesWritten: 4, buffer },
      { bytesWritten: 3, buffers },
    ]);
    expect(String(buffer)).toBe('\x0056\0');
    expect(await on.read(settleWithCount, buffer, 0, 4, 0)).toBe(4);
    await on.close();
  });

  ringTest('6.1', 'runs what shares a position in the order of the calls', async ({ open }) => {
    const on = digits(open());
    const buffers = Array.from({ length: 5 }, () => Buffer.alloc(2));
    const counts = await Promise.all(
      buffers.map((buffer) => on.read(settleWithCount, buffer, 0, 2, CURRENT_POSITION)),
    );
    expect([counts, buffers.map(String)]).toEqual([
      [2, 2, 2, 2, 2],
      ['01', '23', '45', '67', '89'],
    ]);
    await on.close();
  });

  ringTest('6.1', 'closes when everything is over, waiting calls too', async ({ open }) => {
    const on = digits(open());
    const { fd } = on;
    const calls = Array.from({ length: 5 }, () =>
      on.write<number>(settleWithCount, Buffer.from('xy'), 0, 2, CURRENT_POSITION),
    );
    const path = String(openDescriptors().get(String(fd)));
    expect(on.isBusy).toBe(true);
    const closing = on.close();
    expect(on.close()).toBe(closing);
    expect([on.isOpen, openDescriptors().has(String(fd))]).toEqual([false, true]);
    await closing;
    expect(await Promise.all(calls)).toEqual([2, 2, 2, 2, 2]);
    expect(readFileSync(path, 'utf8')).toBe('xyxyxyxyxy');
    expect([on.isBusy, on.fd, openDescriptors().has(String(fd))]).toEqual([false, -1, false]);
  });

  ringTest('6.1', 'stays open during something that uses it twice', async ({ open }) => {
    const on = digits(open());
    let closing: Promise<void> | undefined;
    const size = await on.during(async () => {
      await on.sync('fdatasync');
      closing = on.close();
      await on.sync('fsync');
      return 5;
    });
    expect(size).toBe(5);
    await closing;
  });

  ringTest('6.1', 'calls back when it is idle, once', async ({ open }) => {
    const on = digits(open());
    let calls = 0;
    const first = on.sync('fsync');
    on.whenIdle(() => {
      calls += 1;
    });
    await first;
    await on.sync('fsync');
    expect(calls).toBe(1);
    await on.close();
  });

  ringTest('6.1', 'is closed with its runtime, by its owner if there is one', async ({ open }) => {
    const runtime = open();
    const [alone, owned] = [digits(runtime), digits(runtime)];
    const owner = { closed: 0, close: () => Promise.resolve() };
    owner.close = () => {
      owner.closed += 1;
      return owned.close();
    };
    owned.setOwner(owner);
    const [first, second] = [String(alone.fd), String(owned.fd)];
    await runtime.close();
    expect(owner.closed).toBe(1);
    expect([alone.isOpen, owned.isOpen]).toEqual([false, false]);
    expect([openDescriptors().has(first), openDescriptors().has(second)]).toEqual([false, false]);
  });

  ringTest(
    '6.1',
    'keeps the turn at the current position for all of its pieces',
    async ({ open }) => {
      const runtime = open();
      const path = join(tempDirectory(), 'large');
      const size = 3 * 1024 * 1024 + 1;
      const content = Buffer.alloc(2 * size + 1);
      for (let i = 0; i < content.length; i += 1) content[i] = (i * 7 + (i >> 9)) & 0xff;
      writeFileSync(path, content);
      const on = new RingDescriptor(runtime, openSync(path, 'r'));
      const whole = Buffer.alloc(content.length);
      const part = { offset: 0, length: size, position: CURRENT_POSITION };
      const reads = [
        on.large('read', whole, part),
        on.read<number>(settleWithCount, whole, size, 1, CURRENT_POSITION),
        on.large('read', whole, { ...part, offset: size + 1 }),
      ];
      expect(await Promise.all(reads)).toEqual([size, 1, size]);
      expect(whole.equals(content)).toBe(true);
      expect(on.isBusy).toBe(false);
      await on.close();
    },
  );

  ringTest('6.1', 'closes at once when it must', ({ open }) => {
    const runtime = open();
    const on = digits(runtime);
    const fd = String(on.fd);
    on.closeSync();
    expect([on.isOpen, on.fd, openDescriptors().has(fd)]).toEqual([false, -1, false]);
    expect(runtime.resources.size).toBe(0);
  });

  ringTest('6.1', 'rejects with plain errors, named after the call', async ({ open }) => {
    const on = digits(open(), 'r');
    const errors = [
      await rejectionOf(on.write(settleWrite, Buffer.from('x'), 0, 1, 0)),
      await rejectionOf(on.vector(settleWritev, 'write', [Buffer.from('x')], CURRENT_POSITION)),
      await rejectionOf(on.truncate(1)),
    ];
    expect(errors.map((error) => Object.getPrototypeOf(error))).toEqual(
      Array(3).fill(Error.prototype),
    );
    expect(errors.map(({ message }: Error) => message)).toEqual([
      'EBADF: bad file descriptor, write',
      'EBADF: bad file descriptor, write',
      'EINVAL: invalid argument, ftruncate',
    ]);
    await on.close();
  });
});
