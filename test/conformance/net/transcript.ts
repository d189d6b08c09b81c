/**
 * What a socket or a server said, in order: the cases compare it whole, so that an event too many
 * or too early shows on either backend.
 */

import { once } from 'node:events';
import type { EventEmitter } from 'node:events';
import type { AddressInfo, Server } from 'node:net';

const EVENTS = [
  'lookup',
  'connectionAttempt',
  'connectionAttemptFailed',
  'connectionAttemptTimeout',
  'connect',
  'ready',
  'data',
  'end',
  'finish',
  'timeout',
  'error',
  'close',
  'listening',
  'drop',
];

/** Notes all events of an emitter under a name. */
export function listen(said: string[], name: string, emitter: EventEmitter): void {
  for (const event of EVENTS) {
    emitter.on(event, (...args: unknown[]) =>
      said.push(`${name} ${event}${detailOf(event, args)}`),
    );
  }
}

function detailOf(event: string, args: unknown[]): string {
  const [first] = args;
  if (event === 'data') return ` ${String(first)}`;
  if (event === 'close' && typeof first === 'boolean') return first ? ' with error' : '';
  const error: NodeJS.ErrnoException | undefined = args.find((value) => value instanceof Error);
  return error === undefined ? '' : ` ${error.code}`;
}

/** Listens on a port of its own and returns it. */
export async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Waits for the end of a server. */
export function closed(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error === undefined ? resolve() : reject(error)));
  });
}

/** What an emitter will say next; errors that come before it are no failure of the case. */
export function next(emitter: EventEmitter, event: string): Promise<unknown[]> {
  emitter.on('error', () => {});
  return new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));
}

/** The error that a call throws, by code and message. */
export function refusal(call: () => unknown): string {
  try {
    call();
    return 'none';
  } catch (error) {
    const { name, code, message } = error as Error & { code?: string };
    return `${name} ${code}: ${message}`;
  }
}
