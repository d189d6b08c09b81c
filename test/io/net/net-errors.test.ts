/**
 * Errors with Node's codes and words.
 */

import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as errors from '../../../src/io/net/net-errors.ts';
import { SystemError } from '../../../src/runtime/errors.ts';
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
    [errors.blockedAddress('::1'), 'ERR_IP_BLOCKED', 'IP(::1) is blocked by net.BlockList'],
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
    // Printed as in Node, which goes by the class.
    expect(inspect(error)).toMatch(/^Error: connect/u);
  });

  it('are plain, and those of programs what they were', () => {
    const error = new SystemError('read ECONNRESET', -104, 'ECONNRESET', 'read');
    const plain = errors.plainError(error);
    expect(Object.getPrototypeOf(plain)).toBe(Error.prototype);
    expect({ ...plain }).toEqual({ errno: -104, code: 'ECONNRESET', syscall: 'read' });
    expect(plain.stack).toMatch(/^Error: read ECONNRESET\n {4}at /);
    const own = new TypeError('mine');
    expect(errors.plainError(own)).toBe(own);
  });

  it('holds all failures, with the code of the first', () => {
    const first = errors.connectError(-ECONNREFUSED, 'connect', { address: 'a', port: 1 });
    const all = errors.allFailed([first, new Error('second')]);
    expect(all).toMatchObject({ code: 'ECONNREFUSED', name: 'AggregateError' });
    expect((all as AggregateError).errors).toHaveLength(2);
  });
});
