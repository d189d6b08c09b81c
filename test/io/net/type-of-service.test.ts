/**
 * `setTypeOfService` and `getTypeOfService`, held against Node's own sockets where those have them.
 */

import * as nodeNet from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as net from '../../../src/io/net/net.ts';
import { addTypeOfService } from '../../../src/io/net/type-of-service.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

interface Bearer extends nodeNet.Socket {
  setTypeOfService(tos?: unknown): unknown;
  getTypeOfService(): number;
}

const hasIt = 'setTypeOfService' in nodeNet.Socket.prototype;

/** Everything that a socket says about it, errors included. */
async function said({ createServer, connect, Socket }: typeof nodeNet): Promise<unknown[]> {
  const all: unknown[] = [];
  const accepted: unknown[] = [];
  const say = (act: () => unknown): void => {
    try {
      all.push(act());
    } catch (error) {
      const { name, code, errno, syscall, message } = error as NodeJS.ErrnoException;
      all.push([name, code, errno, syscall, message]);
    }
  };
  say(() => new Socket({ typeOfService: 'x' } as never));
  say(() => new Socket({ typeOfService: 256 } as never));
  const path = join(tempDirectory(), 'socket');
  for (const where of [{ host: '127.0.0.1' }, { host: '::1' }, { path }]) {
    const server = createServer((peer) => {
      accepted.push((peer as Bearer).getTypeOfService());
      peer.end();
    });
    if (where.path === undefined) server.listen(0, where.host);
    else server.listen(where.path);
    await new Promise((resolve) => server.once('listening', resolve));
    const to = where.path === undefined ? (server.address() as AddressInfo).port : undefined;
    const options = { ...where, port: to, typeOfService: 16 } as unknown as nodeNet.NetConnectOpts;
    const socket = connect(options).resume() as Bearer;
    await new Promise((resolve) => socket.once('connect', resolve));
    say(() => socket.getTypeOfService());
    for (const bad of [Number.NaN, 'x', 256, -1, 1.5, undefined]) {
      say(() => socket.setTypeOfService(bad));
    }
    say(() => socket.setTypeOfService(8) === socket);
    say(() => socket.getTypeOfService());
    await new Promise((resolve) => socket.once('close', resolve));
    say(() => socket.getTypeOfService());
    say(() => socket.setTypeOfService(4) === socket && socket.getTypeOfService());
    await new Promise((resolve) => server.close(resolve));
  }
  return [...all, accepted];
}

describe('type of service', () => {
  ringTest('6.1', 'is what Node makes of it', async ({ open }) => {
    open();
    expect('setTypeOfService' in net.Socket.prototype).toBe(hasIt);
    if (!hasIt) return;
    const ours = await said(net);
    expect(ours).toEqual(await said(nodeNet));
    expect(ours).toContain(16);
  });

  it('is added only where Node has it', () => {
    const prototype = {};
    addTypeOfService(prototype);
    const names = hasIt ? ['setTypeOfService', 'getTypeOfService'] : [];
    expect(Object.getOwnPropertyNames(prototype)).toEqual(names);
  });
});
