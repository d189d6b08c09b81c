/**
 * One attempt to connect: its outcome, and its descriptor when nobody wants it any more.
 */

import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { endpoint, unixEndpoint } from '../../../src/io/tcp/address.ts';
import type { UnixEndpoint } from '../../../src/io/tcp/address.ts';
import { ConnectAttempt } from '../../../src/io/tcp/connect-attempt.ts';
import { RingConnection } from '../../../src/io/tcp/ring-connection.ts';
import { TcpListener } from '../../../src/io/tcp/tcp-listener.ts';
import { EADDRNOTAVAIL, ENOENT } from '../../../src/native/constants/errno.ts';
import { AF_INET, AF_UNIX } from '../../../src/native/constants/sockets.ts';
import { ringTest } from '../../support/ring-test.ts';
import { tempDirectory } from '../../support/temp-directory.ts';

/** The attempt, and how it went. */
function outcomeOf(
  attempt: ConnectAttempt,
  where: Parameters<ConnectAttempt['connect']>[0],
): Promise<number> {
  return new Promise<number>((resolve) => attempt.connect(where, resolve));
}

function goneOf(attempt: ConnectAttempt): Promise<void> {
  return new Promise((resolve) => attempt.destroy(resolve));
}

describe('ConnectAttempt', () => {
  ringTest('6.1', 'gives its descriptor to a connection', async ({ open }) => {
    const runtime = open();
    const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
    const where = endpoint('127.0.0.1', 4, listener.address().port);
    const attempt = ConnectAttempt.open(runtime, AF_INET) as ConnectAttempt;
    expect(await outcomeOf(attempt, where)).toBe(0);
    const connection = new RingConnection(runtime, attempt.take());
    attempt.destroy();
    expect(connection.remoteAddress?.port).toBe(where.port);
    connection.destroy();
    await listener.close();
  });

  ringTest('6.1', 'says why it failed, and can be closed then', async ({ open }) => {
    const runtime = open();
    const attempt = ConnectAttempt.open(runtime, AF_UNIX) as ConnectAttempt;
    const where = unixEndpoint(join(tempDirectory(), 'nobody')) as UnixEndpoint;
    expect(await outcomeOf(attempt, where)).toBe(-ENOENT);
    await goneOf(attempt);
    expect(ConnectAttempt.open(runtime, 16)).toBeLessThan(0);
  });

  ringTest('6.1', 'binds before it connects', async ({ open }) => {
    const attempt = ConnectAttempt.open(open(), AF_INET) as ConnectAttempt;
    expect(attempt.bind(endpoint('192.0.2.1', 4, 0))).toBe(-EADDRNOTAVAIL);
    expect(attempt.bind(endpoint('127.0.0.1', 4, 0))).toBe(0);
    await goneOf(attempt);
  });

  ringTest('6.1', 'tells nobody the outcome once it is destroyed', async ({ open }) => {
    const runtime = open();
    const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
    const attempt = ConnectAttempt.open(runtime, AF_INET) as ConnectAttempt;
    let outcomes = 0;
    attempt.connect(endpoint('127.0.0.1', 4, listener.address().port), () => {
      outcomes += 1;
    });
    await goneOf(attempt);
    expect(outcomes).toBe(0);
    await listener.close();
  });

  ringTest('6.1', 'is closed with its runtime', async ({ open }) => {
    const runtime = open();
    const attempt = ConnectAttempt.open(runtime, AF_INET) as ConnectAttempt;
    await runtime.close();
    expect(runtime.resources.has(attempt)).toBe(false);
  });
});
