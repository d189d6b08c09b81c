/**
 * The errors that only sockets and servers have, with Node's codes and words.
 */

import { codedError, SystemError, systemError } from '../../runtime/index.ts';
import type { SocketAddress } from '../tcp/address.ts';

function coded<T extends Error>(error: T, code: string): T & { code: string } {
  // As in Node: the code shows in the stack, not in `name`.
  error.stack = error.stack?.replace(`${error.name}:`, `${error.name} [${code}]:`) ?? '';
  return Object.assign(error, { code });
}

export function socketClosed(): Error {
  return codedError('ERR_SOCKET_CLOSED', 'Socket is closed');
}

export function closedBeforeConnection(): Error {
  return codedError(
    'ERR_SOCKET_CLOSED_BEFORE_CONNECTION',
    'Socket closed before the connection was established',
  );
}

export function connectionTimeout(): Error {
  return codedError('ERR_SOCKET_CONNECTION_TIMEOUT', 'Socket connection timeout');
}

export function alreadyListening(): Error {
  return codedError(
    'ERR_SERVER_ALREADY_LISTEN',
    'Listen method has been called more than once without closing.',
  );
}

export function notRunning(): Error {
  return codedError('ERR_SERVER_NOT_RUNNING', 'Server is not running.');
}

export function invalidHandleType(): Error {
  return coded(new TypeError('This handle type cannot be sent'), 'ERR_INVALID_HANDLE_TYPE');
}

export function invalidIpAddress(address: unknown): Error {
  return coded(new TypeError(`Invalid IP address: ${String(address)}`), 'ERR_INVALID_IP_ADDRESS');
}

export function blockedAddress(address: string): Error {
  return codedError('ERR_IP_BLOCKED', `IP(${address}) is blocked by net.BlockList`);
}

export function invalidAddressFamily(family: unknown, host: unknown, port: unknown): Error {
  const message = `Invalid address family: ${String(family)} ${String(host)}:${String(port)}`;
  const error = coded(new RangeError(message), 'ERR_INVALID_ADDRESS_FAMILY');
  return Object.assign(error, { host, port });
}

/**
 * The same as Node has it: a plain `Error`, which is printed as one. It stays the same object: a
 * second stack would cost as much as the first.
 */
export function plainError(error: Error): Error {
  if (!(error instanceof SystemError)) return error;
  return Object.setPrototypeOf(error, Error.prototype) as Error;
}

/** The peer has ended, and the program goes on writing. */
export function writeAfterEnd(): Error {
  return Object.assign(new Error('This socket has been ended by the other party'), {
    code: 'EPIPE',
  });
}

/** All attempts have failed: the errors as one, with the code of the first. */
export function allFailed(errors: readonly Error[]): Error {
  const [first] = errors as readonly (Error & { code?: string })[];
  return Object.assign(new AggregateError(errors), { code: first?.code });
}

interface LocalPlace {
  readonly address: string | undefined;
  readonly port: number | undefined;
}

/** Where an attempt came from and went to. */
export interface ConnectDetails {
  readonly address: string;
  readonly port?: number | undefined;
  readonly local?: SocketAddress | LocalPlace | null | undefined;
}

/** Failed to connect or to bind: `local` shows in the message. */
export function connectError(
  result: number,
  syscall: 'connect' | 'bind',
  { address, port, local }: ConnectDetails,
): Error {
  const error = plainError(systemError(result, syscall, { address, port, form: 'net' }));
  if (local !== undefined && local !== null)
    error.message += ` - Local (${local.address}:${local.port})`;
  return error;
}
