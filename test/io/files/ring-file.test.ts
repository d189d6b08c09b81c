/**
 * A file on the ring, below its face: large transfers, and files in slots of the table. What every
 * backend does is in `conformance/file-*.ts`.
 */

import { execFileSync } from 'node:child_process';
import { constants, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { RingFile } from '../../../src/io/files/ring-file.ts';
import { openRingFile } from '../../../src/io/files/ring-open.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

const { O_CREAT, O_RDONLY, O_RDWR } = constants;

describe('RingFile', () => {
  ringTest(
    '6.1',
    'keeps the loop turning while kernel workers copy',
    async ({ open }) => {
      const runtime = open();
      const path = join(tempDirectory(), 'file');
      writeFileSync(path, Buffer.alloc(64 * 1024 * 1024, 'x'));
      const file = await openRingFile(runtime, Buffer.from(path), O_RDONLY, 0);
      const buffer = Buffer.alloc(64 * 1024 * 1024);
      const order: string[] = [];
      const reading = file.read(buffer, { position: 0 }).then(() => order.push('read'));
      await runtime.nop();
      order.push('nop');
      await reading;
      expect(order).toEqual(['nop', 'read']);
      expect(buffer.every((byte) => byte === 0x78)).toBe(true);
      await file.close();
    },
    30_000,
  );

  ringTest('6.1', 'does not wait for more where a read would not', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'fifo');
    execFileSync('mkfifo', [path]);
    const fifo = await openRingFile(runtime, Buffer.from(path), O_RDWR, 0);
    await fifo.write(Buffer.alloc(4096), {});
    expect(await fifo.read(Buffer.alloc(4 * 1024 * 1024), {})).toBe(4096);
    await fifo.close();
  });

  ringTest('6.1', 'reads and writes what is large as a whole', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    const size = 5 * 1024 * 1024 + 11;
    const content = Buffer.alloc(size, 'a file of many pieces. ');
    const file = await openRingFile(runtime, Buffer.from(path), O_CREAT | O_RDWR, 0o600);
    expect(await file.write(content, { position: 1000 })).toBe(size);
    expect(readFileSync(path).subarray(1000).equals(content)).toBe(true);
    const buffer = Buffer.alloc(size + 5000);
    expect(await file.read(buffer, { offset: 3, position: 1000 })).toBe(size);
    expect(buffer.subarray(3, size + 3).equals(content)).toBe(true);
    expect(await file.read(buffer, {})).toBe(size + 1000);
    expect(buffer.subarray(1000, size + 1000).equals(content)).toBe(true);
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    expect(await rejectionOf(file.read(buffer, { position: 0, signal }))).toBe(reason);
    const controller = new AbortController();
    const reading = rejectionOf(
      file.read(buffer, { position: 0, signal: controller.signal }).then(() => reason),
    );
    controller.abort(reason);
    expect(await reading).toBe(reason);
    const moved = Buffer.alloc(size);
    const refused = rejectionOf(file.read(moved, { position: 0 }));
    structuredClone(moved.buffer, { transfer: [moved.buffer] });
    expect(await refused).toMatchObject({ code: 'ERR_INVALID_ARG_VALUE' });
    await file.close();
  });

  ringTest('6.1', 'holds a buffer that nobody else holds', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'fifo');
    execFileSync('mkfifo', [path]);
    const fifo = await openRingFile(runtime, Buffer.from(path), O_RDWR, 0);
    const reads = Array.from({ length: 8 }, () => fifo.read(new Uint8Array(64 * 1024), {}));
    // Garbage enough to move or free whatever is not held.
    for (let i = 0; i < 200; i += 1) Buffer.alloc(256 * 1024, i);
    await nextTurn();
    for (let i = 0; i < 8; i += 1) await fifo.write(Buffer.alloc(1000, i), {});
    const total = (await Promise.all(reads)).reduce((sum, count) => sum + count, 0);
    expect(total).toBe(8000);
    await fifo.close();
  });

  ringTest('6.1', 'closes a descriptor that it was given', async ({ open }) => {
    const runtime = open();
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, 'content');
    const handed = await openRingFile(runtime, Buffer.from(path), O_RDONLY, 0);
    const file = new RingFile(runtime, handed.fd);
    expect(await file.read(Buffer.alloc(7), {})).toBe(7);
    await file.close();
    expect(await rejectionOf(handed.read(Buffer.alloc(1), {}))).toMatchObject({ code: 'EBADF' });
    expect(await rejectionOf(handed.close())).toMatchObject({
      code: 'EBADF',
      syscall: 'close',
      message: 'EBADF: bad file descriptor, close',
    });
    expect(readFileSync(path, 'utf8')).toBe('content');
  });
});
