/**
 * Attempts: what is bound, and the words that Node finds for their failures.
 */

import { describe, expect, it } from 'vitest';
import { attemptError, beginAttempt, bindLocal, isEarly } from '../../../src/io/net/attempt.ts';
import { SocketHandle } from '../../../src/io/net/socket-handle.ts';
import { ECONNREFUSED, EINVAL, ENETUNREACH } from '../../../src/native/constants/errno.ts';
import { ringTest } from '../../support/ring-test.ts';

const target = { address: '127.0.0.1', port: 80, family: 4 } as const;

describe('attempts', () => {
  it('names the local end only where both its parts were chosen', () => {
    expect(attemptError(-ECONNREFUSED, target).message).toBe('connect ECONNREFUSED 127.0.0.1:80');
    const local = { ...target, localAddress: '127.0.0.1', localPort: 7 };
    const error = attemptError(-ECONNREFUSED, local);
    expect(error.message).toBe('connect ECONNREFUSED 127.0.0.1:80 - Local (127.0.0.1:7)');
    expect(error).toMatchObject({ localAddress: '127.0.0.1', localPort: 7 });
  });

  it('tells failures apart that Node meets at once', () => {
    expect([isEarly(-ENETUNREACH), isEarly(-ECONNREFUSED)]).toEqual([true, false]);
  });

  ringTest(
    '6.1',
    'binds to an address of the right family, or says that it cannot',
    async ({ open }) => {
      const handle = new SocketHandle(open(), false);
      expect(bindLocal(handle, target)).toBe(0);
      expect(handle.fd).toBe(-1);
      expect(bindLocal(handle, { ...target, localAddress: '::1' })).toBe(-EINVAL);
      expect(bindLocal(handle, { ...target, localAddress: '127.0.0.1' })).toBe(0);
      expect(handle.localAddress?.port).toBeGreaterThan(0);
      await new Promise<void>((resolve) => handle.close(resolve));
    },
  );

  ringTest('6.1', 'refuses a path that is no name of a socket', ({ open }) => {
    const handle = new SocketHandle(open(), true);
    const long = { address: 'x'.repeat(200), port: undefined, family: undefined };
    expect(beginAttempt(handle, long, () => {})).toBe(-EINVAL);
  });
});
