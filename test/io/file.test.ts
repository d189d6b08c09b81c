/**
 * File: that it runs on the backend of the thread's runtime, and asks for one only when it must.
 * What a file does is in `conformance/file-*.ts`.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { File } from '../../src/io/file.ts';
import { Runtime, runtime } from '../../src/runtime/runtime.ts';
import { rejectionOf } from '../support/rejections.ts';
import { ringTest } from '../support/ring-test.ts';
import { tempDirectory } from '../support/temp-directory.ts';

describe('File.open', () => {
  it('opens no runtime for arguments that are wrong', async () => {
    await rejectionOf(File.open('a\0b'));
    await rejectionOf(File.open(1 as unknown as string));
    await rejectionOf(File.open('file', 'bogus'));
    await rejectionOf(File.open('file', 'w', -1));
    // Were one open, this would be ERR_RUNTIME_OPEN.
    const opened = new Runtime({ backend: 'libuv' });
    expect(runtime()).toBe(opened);
    await opened.close();
  });

  it('opens the runtime of the thread where none is open', async () => {
    const file = await File.open('/dev/null');
    const opened = runtime();
    expect(opened.isClosed).toBe(false);
    await file.close();
    await opened.close();
  });

  it('takes default flags and modes for undefined', async () => {
    await using opened = new Runtime({ backend: 'libuv' });
    expect(opened.backend).toBe('libuv');
    const file = await File.open('/dev/null', undefined, undefined);
    expect(file.fd).toBeGreaterThan(2);
    await file.close();
  });
});

describe('File', () => {
  ringTest('6.1', 'runs on the ring where there is one', async ({ open }) => {
    const ring = open();
    const path = join(tempDirectory(), 'file');
    writeFileSync(path, 'content');
    const before = ring.metrics().operations;
    const file = await File.open(path);
    await file.read(Buffer.alloc(7));
    await file.stat();
    await file.close();
    expect(ring.metrics().operations - before).toBeGreaterThanOrEqual(4);
    expect(ring.metrics().inFlight).toBe(0);
  });

  ringTest('6.1', 'belongs to the runtime that it was opened with', async ({ open }) => {
    const first = open();
    const file = await File.open('/dev/zero');
    await first.close();
    const second = open();
    expect((await rejectionOf(file.read(Buffer.alloc(1)))).code).toBe('ERR_RUNTIME_CLOSED');
    const root = await File.open('/');
    await file.close();
    expect((await rejectionOf(File.openBeneath(file, 'x'))).code).toMatch(/CLOSED$/);
    await root.close();
    await second.close();
  });

  ringTest('6.1', 'has its state to itself', async ({ open }) => {
    open();
    await using file = await File.open('/dev/null');
    expect(Object.keys(file)).toEqual([]);
    expect(() => Reflect.get(File.prototype, 'fd', {})).toThrow(TypeError);
  });
});
