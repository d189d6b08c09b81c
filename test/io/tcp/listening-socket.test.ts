/**
 * Listening descriptors of every family, and what the kernel says when there can be none.
 */

import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { endpoint, unixEndpoint } from '../../../src/io/tcp/address.ts';
import type { UnixEndpoint } from '../../../src/io/tcp/address.ts';
import { openListening } from '../../../src/io/tcp/listening-socket.ts';
import { EADDRINUSE, ENOENT } from '../../../src/native/constants/errno.ts';
import * as sockets from '../../../src/native/constants/sockets.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

describe('openListening', () => {
  ringTest('6.1', 'sets the options that accepted sockets inherit', ({ open }) => {
    const engine = open().requireEngine();
    const { calls } = engine;
    const options = { backlog: 4, noDelay: true, keepAlive: true, keepAliveDelay: 9 };
    const fd = openListening(engine, endpoint('127.0.0.1', 4, 0), options);
    expect(calls.getOption(fd, sockets.SOL_SOCKET, sockets.SO_ACCEPTCONN)).toBe(1);
    expect(calls.getOption(fd, sockets.IPPROTO_TCP, sockets.TCP_NODELAY)).toBe(1);
    expect(calls.getOption(fd, sockets.SOL_SOCKET, sockets.SO_KEEPALIVE)).toBe(1);
    expect(calls.getOption(fd, sockets.IPPROTO_TCP, sockets.TCP_KEEPIDLE)).toBe(9);
    calls.close(fd);
  });

  ringTest('6.1', 'listens on a path and on an abstract name', ({ open }) => {
    const engine = open().requireEngine();
    const { calls } = engine;
    const path = join(tempDirectory(), 'socket');
    for (const name of [path, '\0onering-listening']) {
      const where = unixEndpoint(name) as UnixEndpoint;
      const fd = openListening(engine, where, { backlog: 4 });
      expect(calls.getOption(fd, sockets.SOL_SOCKET, sockets.SO_ACCEPTCONN)).toBe(1);
      expect(openListening(engine, where, { backlog: 4 })).toBe(-EADDRINUSE);
      calls.close(fd);
    }
  });

  ringTest('6.1', 'shares a port only where it is asked to', ({ open }) => {
    const engine = open().requireEngine();
    const { calls } = engine;
    const first = openListening(engine, endpoint('127.0.0.1', 4, 0), {
      backlog: 4,
      reusePort: true,
    });
    const name = calls.getsockname(first) as Uint8Array;
    const port = new DataView(name.buffer).getUint16(2, false);
    const where = endpoint('127.0.0.1', 4, port);
    expect(openListening(engine, where, { backlog: 4 })).toBe(-EADDRINUSE);
    const second = openListening(engine, where, { backlog: 4, reusePort: true });
    expect(second).toBeGreaterThan(0);
    calls.close(first);
    calls.close(second);
  });

  ringTest('6.1', 'leaves no descriptor behind when it fails', ({ open }) => {
    const engine = open().requireEngine();
    const where = unixEndpoint(join(tempDirectory(), 'missing', 'socket')) as UnixEndpoint;
    expect(openListening(engine, where, { backlog: 4 })).toBe(-ENOENT);
  });
});
