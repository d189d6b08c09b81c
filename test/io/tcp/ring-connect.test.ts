/**
 * Connecting on the ring to a name with several addresses: one after the other, families by turns,
 * and none but the last one for long. The resolver is played; the addresses are loopback's.
 */

import {
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout,
} from 'node:net';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { connectOnRing } from '../../../src/io/tcp/ring-connect.ts';
import { TcpListener } from '../../../src/io/tcp/tcp-listener.ts';
import { rejectionOf } from '../../support/rejections.ts';
import { ringTest } from '../../support/ring-test.ts';
import { fullBacklog } from '../../support/silent-listener.ts';

const resolver = vi.hoisted(() => ({ addresses: [] as { address: string; family: number }[] }));

vi.mock('node:dns/promises', () => ({
  lookup: () => Promise.resolve(resolver.addresses),
}));

function resolveTo(...addresses: string[]): void {
  resolver.addresses = addresses.map((address) => ({
    address,
    family: address.includes(':') ? 6 : 4,
  }));
}

async function closedPort(): Promise<number> {
  const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
  const { port } = listener.address();
  await listener.close();
  return port;
}

describe('connectOnRing', () => {
  ringTest('6.1', 'goes on to the next address when one refuses', async ({ open }) => {
    const runtime = open();
    await using listener = await TcpListener.listen({ hostname: '127.0.0.3', port: 0 });
    const { port } = listener.address();
    resolveTo('127.0.0.2', '::1', '127.0.0.3', '127.0.0.4');
    const connection = await connectOnRing(runtime, 'many.test', port, undefined);
    expect(connection.remoteAddress).toEqual({ address: '127.0.0.3', family: 'IPv4', port });
    const server = await listener.accept();
    const gone = new Promise<void>((resolve) => {
      connection.setHandler({
        onData() {},
        onEnd() {},
        onError() {},
        onDrain() {},
        onClose: resolve,
      });
    });
    connection.close();
    await Promise.all([gone, server.close()]);
  });

  ringTest('6.1', 'reports all failures', async ({ open }) => {
    const runtime = open();
    const port = await closedPort();
    resolveTo('127.0.0.2', '127.0.0.3');
    const error = await rejectionOf(connectOnRing(runtime, 'many.test', port, undefined));
    expect(error).toBeInstanceOf(AggregateError);
    expect(error.code).toBe('ECONNREFUSED');
    const [, second] = (error as unknown as AggregateError).errors as unknown[];
    expect(second).toMatchObject({
      code: 'ECONNREFUSED',
      address: '127.0.0.3',
      port,
      message: `connect ECONNREFUSED 127.0.0.3:${port}`,
    });
    resolveTo('127.0.0.2');
    const only = await rejectionOf(connectOnRing(runtime, 'one.test', port, undefined));
    expect(only).toMatchObject({ code: 'ECONNREFUSED', address: '127.0.0.2', port });
  });

  ringTest('6.1', 'has families take turns', async ({ open }) => {
    const runtime = open();
    const port = await closedPort();
    resolveTo('127.0.0.2', '127.0.0.3', '127.0.0.4', '::1');
    const error = await rejectionOf(connectOnRing(runtime, 'many.test', port, undefined));
    const { errors } = error as unknown as AggregateError;
    expect(errors.map(({ address }: { address: string }) => address)).toEqual([
      '127.0.0.2',
      '::1',
      '127.0.0.3',
      '127.0.0.4',
    ]);
  });

  ringTest(
    '6.1',
    'gives an address up that does not answer, unless it is the last',
    async ({ open }) => {
      const runtime = open();
      const silent = await fullBacklog();
      const before = getDefaultAutoSelectFamilyAttemptTimeout();
      onTestFinished(() => setDefaultAutoSelectFamilyAttemptTimeout(before));
      setDefaultAutoSelectFamilyAttemptTimeout(20);
      resolveTo('127.0.0.1', '127.0.0.2');
      const attempt = connectOnRing(runtime, 'silent.test', silent.port, undefined);
      const error = await rejectionOf(attempt);
      const [first, second] = (error as unknown as AggregateError).errors as unknown[];
      expect(first).toMatchObject({ code: 'ETIMEDOUT', address: '127.0.0.1' });
      expect(second).toMatchObject({ code: 'ECONNREFUSED', address: '127.0.0.2' });
      const controller = new AbortController();
      resolveTo('127.0.0.2', '127.0.0.1');
      const last = rejectionOf(
        connectOnRing(runtime, 'silent.test', silent.port, controller.signal),
      );
      setTimeout(() => controller.abort(new Error('long enough')), 60);
      expect((await last).message).toBe('long enough');
      silent.close();
    },
  );

  ringTest('6.1', 'rejects with an error for a name without addresses', async ({ open }) => {
    const runtime = open();
    resolveTo();
    const error = await rejectionOf(connectOnRing(runtime, 'none.test', 80, undefined));
    expect(error.code).toBe('ENOTFOUND');
  });

  ringTest('6.1', 'tries no further address after an abort', async ({ open }) => {
    const runtime = open();
    const silent = await fullBacklog();
    resolveTo('127.0.0.1', '127.0.0.2');
    const controller = new AbortController();
    const attempt = connectOnRing(runtime, 'many.test', silent.port, controller.signal);
    const rejected = rejectionOf(attempt);
    await runtime.nop();
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await rejected).toBe(reason);
    silent.close();
  });
});
