/**
 * Happy Eyeballs (RFC 8305), as Node does it: the addresses of a name one after the other, each
 * with so much time before the next one is tried. One attempt at a time; a late one is closed.
 *
 *   next() --completion, 0--> connected
 *     ^----completion, error----'  '----time is up: close it--> next(), until none is left
 */

import {
  attemptError,
  beginAttempt,
  bindLocal,
  earlyError,
  isBlocked,
  isEarly,
} from './attempt.ts';
import type { Target } from './attempt.ts';
import { allFailed, blockedAddress, connectError, connectionTimeout } from './net-errors.ts';
import type { RingSocket } from './socket.ts';
import { ETIMEDOUT } from '../../native/abi.ts';

/** One address of a name. */
export interface FoundAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** What is tried, and how patiently. */
export interface HappyEyeballsOptions {
  readonly addresses: readonly FoundAddress[];
  readonly port: number;
  readonly localPort: number | undefined;
  readonly timeoutMs: number;
}

export class HappyEyeballs {
  readonly #socket: RingSocket;
  readonly #options: HappyEyeballsOptions;
  readonly #errors: Error[] = [];
  #tried = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: RingSocket, options: HappyEyeballsOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.autoSelectFamilyAttemptedAddresses = [];
  }

  /** Tries the next address, or gives up. */
  next(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (!socket.connecting) return;
    const { addresses, port, localPort } = this.#options;
    const found = addresses[this.#tried];
    if (found === undefined) {
      socket.destroy(this.#errors.length === 0 ? connectionTimeout() : allFailed(this.#errors));
      return;
    }
    this.#tried += 1;
    if (this.#tried > 1) socket._replaceHandle();
    this.#try({ ...found, port, localPort });
  }

  #try(target: Target): void {
    const socket = this.#socket;
    const handle = socket._handle;
    if (handle === null) return;
    const { address, port, family, localPort } = target;
    const bound = bindLocal(handle, target);
    if (bound < 0) {
      const from = family === 4 ? '0.0.0.0' : '::';
      this.#errors.push(connectError(bound, 'bind', { address: from, port: localPort }));
      this.next();
      return;
    }
    if (isBlocked(socket, target)) {
      this.#failed(blockedAddress(address), target);
      return;
    }
    socket.emit('connectionAttempt', address, port, family);
    if (socket._handle !== handle) return;
    socket.autoSelectFamilyAttemptedAddresses?.push(`${address}:${port}`);
    const attempt = this.#tried;
    const begun = beginAttempt(handle, target, (result) => {
      if (attempt !== this.#tried) return;
      if (socket._handle === handle) this.#over(result, target);
      else if (socket.destroyed) this.#givenUp(result, target);
    });
    if (begun < 0) {
      this.#failed(earlyError(begun, handle, target), target);
    } else if (attempt < this.#options.addresses.length) {
      this.#timer = setTimeout(() => this.#timedOut(target), this.#options.timeoutMs);
    }
  }

  #over(result: number, target: Target): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (result < 0) {
      const handle = socket._handle;
      const isNamed = isEarly(result) && handle !== null;
      this.#failed(
        isNamed ? earlyError(result, handle, target) : attemptError(result, target),
        target,
      );
    } else if (!socket.destroyed) {
      socket.connecting = false;
      socket._afterConnect();
    }
  }

  /** The socket was destroyed meanwhile: Node says so of the attempt, and not of a connection. */
  #givenUp(result: number, target: Target): void {
    clearTimeout(this.#timer);
    this.#failed(attemptError(result, target), target);
  }

  #failed(error: Error, { address, port, family }: Target): void {
    const socket = this.#socket;
    this.#errors.push(error);
    socket.emit('connectionAttemptFailed', address, port, family, error);
    if (socket.connecting) this.next();
  }

  #timedOut(target: Target): void {
    const socket = this.#socket;
    if (!socket.connecting) return;
    const { address, port, family } = target;
    socket.emit('connectionAttemptTimeout', address, port, family);
    this.#errors.push(attemptError(-ETIMEDOUT, target));
    this.next();
  }
}
