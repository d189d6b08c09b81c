/**
 * `onread`: memory that the kernel may not be shown is filled all the same.
 */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createConnection } from '../../../src/io/net/create-connection.ts';
import { isOnRead } from '../../../src/io/net/on-read.ts';
import { Server } from '../../../src/io/net/server.ts';
import { closeQuietly } from '../../support/quiet-ring.ts';
import { ringTest } from '../../support/ring-test.ts';

describe('onread', () => {
  it('is used only where it is whole', () => {
    const callback = (): void => {};
    expect(isOnRead({ buffer: Buffer.alloc(1), callback })).toBe(true);
    expect(isOnRead({ buffer: () => Buffer.alloc(1), callback })).toBe(true);
    for (const value of [null, undefined, 5, {}, { callback }, { buffer: Buffer.alloc(1) }]) {
      expect(isOnRead(value)).toBe(false);
    }
  });

  ringTest('6.1', 'fills shared memory', async ({ open }) => {
    const runtime = open();
    const server = new Server((peer) => peer.end('shared')).listen(0);
    const buffer = new Uint8Array(new SharedArrayBuffer(16));
    let text = '';
    const socket = createConnection({
      port: (server.address() as AddressInfo).port,
      onread: {
        buffer,
        callback(length: number, filled: Uint8Array) {
          expect([filled, this]).toEqual([buffer, socket]);
          text += String(Buffer.from(filled).subarray(0, length));
        },
      },
    });
    await once(socket, 'close');
    expect(text).toBe('shared');
    await closeQuietly(runtime, server);
  });
});
