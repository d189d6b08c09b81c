/**
 * Handles that are posted to another thread: what arrives, what stays, and whose descriptor it is.
 */

import { readlinkSync, writeFileSync } from 'node:fs';
import * as node from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { describe, expect } from 'vitest';
import { open as openHandle } from '../../../src/io/fs/open-functions.ts';
import { carrierClassOf, makeTransferable } from '../../../src/io/fs/transfer.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

const IN_USE = expect.objectContaining({
  name: 'DataCloneError',
  message: 'Cannot transfer FileHandle while in use',
});

function fileOfDigits(): string {
  const path = join(tempDirectory(), 'file');
  writeFileSync(path, '0123456789');
  return path;
}

function received(port: MessagePort): Promise<FileHandle> {
  return new Promise((resolve) => {
    port.once('message', resolve);
  });
}

/** Whether a descriptor is open on a file of ours: another one may have its number since. */
function isOpen(fd: number, path: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) === path;
  } catch {
    // Nobody has it.
    return false;
  }
}

describe('a handle in a transfer list', () => {
  ringTest(
    '6.1',
    'arrives with its descriptor and position, and is closed here',
    async ({ open }) => {
      open();
      const path = fileOfDigits();
      const handle = await openHandle(path);
      await handle.read(Buffer.alloc(3));
      const { fd } = handle;
      const worker = new Worker(
        `const { parentPort } = require('node:worker_threads');
      parentPort.once('message', async (handle) => {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(7));
        const { fd } = handle;
        await handle.close();
        parentPort.postMessage({ bytesRead, text: Buffer.from(buffer).toString(), fd });
      });`,
        { eval: true },
      );
      const ended = new Promise((resolve) => {
        worker.once('exit', resolve);
      });
      const answer = new Promise((resolve) => {
        worker.once('message', resolve);
      });
      worker.postMessage(handle, [handle as never]);
      expect(handle.fd).toBe(-1);
      await expect(handle.read(Buffer.alloc(1))).rejects.toMatchObject({ code: 'EBADF' });
      expect(await answer).toEqual({ bytesRead: 7, text: '3456789', fd });
      await ended;
      expect(isOpen(fd, path)).toBe(false);
      await handle.close();
    },
  );

  ringTest('6.1', 'stays, and stays usable, when the message fails', async ({ open }) => {
    open();
    const path = fileOfDigits();
    const handle = await openHandle(path);
    const { fd } = handle;
    expect(isOpen(fd, path)).toBe(true);
    const { port1, port2 } = new MessageChannel();
    const post = (message: unknown): void => port1.postMessage(message, [handle as never]);
    expect(() => post({ handle, method() {} })).toThrow('could not be cloned');
    expect(await handle.readFile('utf8')).toBe('0123456789');
    // The same, and closed before anything else could happen.
    expect(() => post({ handle, method() {} })).toThrow('could not be cloned');
    await handle.close();
    expect(isOpen(fd, path)).toBe(false);
    port1.close();
    port2.close();
  });

  ringTest('6.1', 'stays while anything uses it', async ({ open }) => {
    open();
    const handle = await openHandle(fileOfDigits());
    const { port1, port2 } = new MessageChannel();
    const post = (): void => port1.postMessage(handle, [handle as never]);
    const reading = handle.read(Buffer.alloc(1));
    expect(post).toThrow(IN_USE);
    await reading;
    const arrived = received(port2);
    post();
    const other = await arrived;
    expect(String((await other.read(Buffer.alloc(4), 0, 4, 0)).buffer)).toBe('0123');
    await other.close();
    port1.close();
  });

  ringTest('6.1', 'stays while a stream uses it', async ({ open }) => {
    open();
    const handle = await openHandle(fileOfDigits());
    const stream = handle.createReadStream();
    const { port1, port2 } = new MessageChannel();
    expect(() => port1.postMessage(handle, [handle as never])).toThrow(IN_USE);
    port1.close();
    port2.close();
    expect(String(Buffer.concat(await stream.toArray()))).toBe('0123456789');
  });
});

describe('makeTransferable', () => {
  ringTest('6.1', 'has handles refuse where Node has no object to travel in', async () => {
    const sample = await node.open('/dev/null');
    expect(carrierClassOf(sample)).toBeTypeOf('function');
    expect(carrierClassOf({})).toBeNull();
    const base = sample.constructor as unknown as { prototype: object };
    const derived = { prototype: {} };
    makeTransferable(base, derived, null);
    const [key] = Object.getOwnPropertySymbols(derived.prototype);
    const transfer = Reflect.get(derived.prototype, key as symbol) as () => unknown;
    expect(transfer).toThrow(IN_USE);
    await sample.close();
  });
});
