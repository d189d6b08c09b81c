/**
 * Errors with Node's codes and words.
 */

import { describe, expect, it } from 'vitest';
import * as errors from '../../../src/io/net/net-errors.ts';
import { ECONNREFUSED } from '../../../src/native/constants/errno.ts';

describe('errors of sockets', () => {
  it.each([
    [errors.socketClosed(), 'ERR_SOCKET_CLOSED', 'Socket is closed'],
    [errors.notRunning(), 'ERR_SERVER_NOT_RUNNING', 'Server is not running.'],
    [errors.connectionTimeout(), 'ERR_SOCKET_CONNECTION_TIMEOUT', 'Socket connection timeout'],
    [errors.invalidIpAddress('x'), 'ERR_INVALID_IP_ADDRESS', 'Invalid IP address: x'],
    [
      errors.invalidAddressFamily(5, 'h', 1),
      'ERR_INVALID_ADDRESS_FAMILY',
      'Invalid address family: 5 h:1',
    ],
    [errors.invalidHandleType(), 'ERR_INVALID_HANDLE_TYPE', 'This handle type cannot be sent'],
    [errors.writeAfterEnd(), 'EPIPE', 'This socket has been ended by the other party'],
  ])('%s', (error, code, message) => {
    expect(error).toMatchObject({ code, message });
    if (code.startsWith('ERR_')) expect(error.stack).toContain(`[${code}]: ${message}`);
  });

  it('names both ends', () => {
    const details = { address: '127.0.0.1', port: 80, local: { address: '::', port: 7 } };
    const error = errors.connectError(-ECONNREFUSED, 'connect', details);
    expect(error.message).toBe('connect ECONNREFUSED 127.0.0.1:80 - Local (:::7)');
    expect(error).toMatchObject({ errno: -ECONNREFUSED, port: 80, address: '127.0.0.1' });
  });

  it('holds all failures, with the code of the first', () => {
    const first = errors.connectError(-ECONNREFUSED, 'connect', { address: 'a', port: 1 });
    const all = errors.allFailed([first, new Error('second')]);
    expect(all).toMatchObject({ code: 'ECONNREFUSED', name: 'AggregateError' });
    expect((all as AggregateError).errors).toHaveLength(2);
  });
});
