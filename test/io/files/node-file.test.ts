/**
 * A file on Node's own `fs`: the same answers as on the ring where Node's differ. What both do is
 * in `conformance/file-*.ts`.
 */

import { mkdirSync, mkdtempSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NodeFile } from '../../../src/io/files/node-file.ts';
import { Runtime } from '../../../src/runtime/runtime.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

const { O_RDONLY, O_RDWR } = constants;

function fileWith(content: string): string {
  const path = join(tempDirectory(), 'file');
  writeFileSync(path, content);
  return path;
}

describe('NodeFile', () => {
  it('reads and writes any view', async () => {
    await using runtime = new Runtime({ backend: 'libuv' });
    const file = await NodeFile.open(runtime, fileWith('abcdefgh'), O_RDWR, 0);
    const numbers = new Uint16Array(2);
    expect(await file.read(numbers, { position: 2 })).toBe(4);
    expect(String(Buffer.from(numbers.buffer))).toBe('cdef');
    expect(await file.write(numbers, { offset: 2, length: 2, position: 0 })).toBe(2);
    const back = Buffer.alloc(4);
    await file.read(back, { position: 0 });
    expect(String(back)).toBe('efcd');
    await file.close();
    expect(file.fd).toBe(-1);
  });

  it('refuses what comes after close()', async () => {
    await using runtime = new Runtime({ backend: 'libuv' });
    const file = await NodeFile.open(runtime, fileWith('abc'), O_RDONLY, 0);
    const closing = file.close();
    expect((await rejectionOf(file.stat())).code).toBe('ERR_FILE_CLOSED');
    expect(file.close()).toBe(closing);
    await closing;
  });

  it('opens beneath a directory that was named relative', async () => {
    await using runtime = new Runtime({ backend: 'libuv' });
    const root = await NodeFile.open(runtime, '.', O_RDONLY, 0);
    const file = await root.openBeneath('package.json', O_RDONLY);
    expect(await file.read(Buffer.alloc(1), {})).toBe(1);
    await Promise.all([file.close(), root.close()]);
  });

  it('opens beneath the directory that it has, wherever that moved', async () => {
    await using runtime = new Runtime({ backend: 'libuv' });
    const parent = tempDirectory();
    const path = join(parent, 'before');
    mkdirSync(path);
    writeFileSync(join(path, 'file'), 'mine');
    const root = await NodeFile.open(runtime, path, O_RDONLY, 0);
    renameSync(path, join(parent, 'after'));
    mkdirSync(path);
    writeFileSync(join(path, 'file'), 'not mine');
    const file = await root.openBeneath('file', O_RDONLY);
    const buffer = Buffer.alloc(16);
    expect(buffer.toString('latin1', 0, await file.read(buffer, {}))).toBe('mine');
    await Promise.all([file.close(), root.close()]);
  });

  it('does not take a neighbor with a longer name for itself', async () => {
    await using runtime = new Runtime({ backend: 'libuv' });
    const parent = tempDirectory();
    const path = join(parent, 'root');
    mkdirSync(path);
    const neighbor = mkdtempSync(join(parent, 'root'));
    writeFileSync(join(neighbor, 'file'), 'secret');
    symlinkSync(join(neighbor, 'file'), join(path, 'link'));
    const root = await NodeFile.open(runtime, path, O_RDONLY, 0);
    expect((await rejectionOf(root.openBeneath('link', O_RDONLY))).code).toBe('EXDEV');
    await root.close();
  });

  it('refuses to work once the runtime is closed, but closes', async () => {
    await using runtime = new Runtime({ backend: 'libuv' });
    const file = await NodeFile.open(runtime, fileWith('abc'), O_RDONLY, 0);
    await runtime.close();
    expect((await rejectionOf(file.read(Buffer.alloc(1), {}))).code).toBe('ERR_RUNTIME_CLOSED');
    await file.close();
  });
});
