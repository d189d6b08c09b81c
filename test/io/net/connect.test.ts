/**
 * Connecting: names, families, and everything that a lookup may answer. What both backends must
 * do alike is in `test/conformance/net`.
 */

import { describe, expect } from 'vitest';
import { validateConnect } from '../../../src/io/net/connect.ts';
import type { ConnectOptions } from '../../../src/io/net/connect.ts';
import { createConnection } from '../../../src/io/net/create-connection.ts';
import { Socket } from '../../../src/io/net/socket.ts';
import { ringTest } from '../../support/ring-test.ts';

function failureOf(options: ConnectOptions): Promise<Error> {
  const socket = createConnection(options);
  return new Promise((resolve) => socket.on('error', resolve));
}

describe('connect', () => {
  ringTest('6.1', 'fails with whatever a lookup answers', async ({ open }) => {
    open();
    const unknown = Object.assign(new Error('unknown'), { code: 'ENOTFOUND' });
    const answer = (...args: [Error | null, unknown, number?]) => ({
      port: 1,
      host: 'a.test',
      autoSelectFamily: false,
      lookup: (_host: string, _options: unknown, done: (...found: typeof args) => void) =>
        done(...args),
    });
    expect(await failureOf(answer(unknown, undefined))).toBe(unknown);
    expect(await failureOf(answer(null, 'nonsense', 4))).toMatchObject({
      code: 'ERR_INVALID_IP_ADDRESS',
    });
    expect(await failureOf(answer(null, '127.0.0.1', 100))).toMatchObject({
      code: 'ERR_INVALID_ADDRESS_FAMILY',
      host: 'a.test',
      port: 1,
    });
    const all = { ...answer(null, [{ address: '127.0.0.1', family: 7 }]), autoSelectFamily: true };
    expect(await failureOf(all)).toMatchObject({ code: 'ERR_INVALID_ADDRESS_FAMILY' });
  });

  ringTest(
    '6.1',
    'does nothing more for a socket that is destroyed meanwhile',
    async ({ open }) => {
      const runtime = open();
      const socket = new Socket();
      const before = runtime.metrics().operations;
      const answered = new Promise<void>((resolve) => {
        socket.connect({
          port: 1,
          host: 'a.test',
          lookup: (_host: string, _options: unknown, done: (...args: unknown[]) => void) => {
            setImmediate(() => {
              done(null, [{ address: '127.0.0.1', family: 4 }]);
              resolve();
            });
          },
        });
      });
      socket.destroy();
      await answered;
      expect(runtime.metrics().operations).toBe(before);
    },
  );

  ringTest('6.1', 'has Node refuse what Node refuses', ({ open }) => {
    open();
    expect(() => validateConnect({ port: 1, autoSelectFamily: 'x' as never })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
    expect(() => validateConnect({ port: 1, autoSelectFamilyAttemptTimeout: 0 })).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }),
    );
    expect(() => validateConnect({ path: 5 })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARG_TYPE' }),
    );
    expect(() => validateConnect({ path: '/x' })).not.toThrow();
  });
});
