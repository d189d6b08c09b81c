/**
 * One attempt to connect a socket of any family: a descriptor from the moment it is made until it
 * is given to a connection or closed.
 *
 *   idle --connect()--> connecting --completion, 0--> connected --take()--> taken
 *     '---------------------'------------'--destroy()--> closing (cancel, wait, CLOSE) --> closed
 *
 * An attempt that is destroyed tells whoever did it that its descriptor is gone, and not how it
 * went; one that is destroyed with its runtime has failed with `ECANCELED`.
 */

import {
  AF_UNIX,
  ECANCELED,
  IPPROTO_TCP,
  prepClose,
  prepConnect,
  SOCK_CLOEXEC,
  SOCK_STREAM,
} from '../../native/abi.ts';
import { cancelOperation } from '../../runtime/index.ts';
import type { Block, Engine, Operation, Runtime } from '../../runtime/index.ts';
import { encodeEndpoint } from './address.ts';
import type { Endpoint, UnixEndpoint } from './address.ts';

type State = 'idle' | 'connecting' | 'connected' | 'closing' | 'closed' | 'taken';

/** Hears the outcome: 0 or `-errno`. */
export type ConnectCallback = (result: number) => void;

export class ConnectAttempt {
  readonly fd: number;
  readonly #runtime: Runtime;
  readonly #engine: Engine;
  #state: State = 'idle';
  #operation: Operation | null = null;
  #done: ConnectCallback | null = null;
  #onGone: (() => void) | null = null;

  /** Owns the descriptor from now on. */
  private constructor(runtime: Runtime, fd: number) {
    this.#runtime = runtime;
    this.#engine = runtime.requireEngine();
    this.fd = fd;
    this.#engine.own(fd);
    runtime.resources.add(this);
  }

  /** Makes a stream socket of a family, or returns `-errno`. */
  static open(runtime: Runtime, domain: number): ConnectAttempt | number {
    const protocol = domain === AF_UNIX ? 0 : IPPROTO_TCP;
    const { calls } = runtime.requireEngine();
    const fd = calls.socket(domain, SOCK_STREAM | SOCK_CLOEXEC, protocol);
    return fd < 0 ? fd : new ConnectAttempt(runtime, fd);
  }

  /** Binds it to an address of this machine: 0 or `-errno`. */
  bind(where: Endpoint | UnixEndpoint): number {
    return this.#engine.calls.bind(this.fd, encodeEndpoint(where));
  }

  /** Begins to connect. The callback runs as user code does, in a tick. */
  connect(where: Endpoint | UnixEndpoint, done: ConnectCallback): void {
    const { scheduler, pool } = this.#engine;
    const encoded = encodeEndpoint(where);
    // The operation's until its completion, which gives it back.
    const block = pool.take(encoded.length);
    block.bytes.set(encoded);
    const operation = scheduler.begin(onConnected, 'connect');
    operation.context = this;
    operation.keep = block;
    operation.runsUserCode = true;
    prepConnect(scheduler.sqe, this.fd, block.address, encoded.length);
    this.#operation = operation;
    this.#done = done;
    this.#state = 'connecting';
  }

  /** Gives the descriptor up to the caller. */
  take(): number {
    this.#state = 'taken';
    this.#runtime.resources.delete(this);
    return this.fd;
  }

  /** Closes it, whatever it is doing; `onGone` follows when the descriptor is gone. */
  destroy(onGone?: () => void): void {
    if (onGone !== undefined) this.#onGone = onGone;
    if (this.#state === 'connecting' && this.#operation !== null) {
      this.#state = 'closing';
      cancelOperation(this.#engine.scheduler, this.#operation);
    } else if (this.#state === 'idle' || this.#state === 'connected') {
      this.#state = 'closing';
      this.#close();
    } else if (this.#state === 'closed' && onGone !== undefined) {
      setImmediate(onGone);
    }
  }

  /** @internal */
  onConnected(result: number, operation: Operation): void {
    this.#operation = null;
    this.#engine.pool.give(operation.keep as Block);
    if (this.#state === 'closing') {
      this.#close();
      return;
    }
    const done = this.#done;
    this.#done = null;
    this.#state = result < 0 ? 'idle' : 'connected';
    done?.(result);
  }

  #close(): void {
    if (this.#runtime.isClosed) {
      this.#engine.calls.close(this.fd);
      this.onClosed();
      return;
    }
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(onClosed, 'close');
    operation.context = this;
    operation.runsUserCode = true;
    prepClose(scheduler.sqe, this.fd);
    this.#engine.disown(this.fd);
  }

  /** @internal */
  onClosed(): void {
    this.#state = 'closed';
    this.#runtime.resources.delete(this);
    const done = this.#done;
    this.#done = null;
    if (this.#onGone === null) done?.(-ECANCELED);
    else this.#onGone();
  }
}

function onConnected(result: number, _flags: number, operation: Operation): void {
  (operation.context as ConnectAttempt).onConnected(result, operation);
}

function onClosed(_result: number, _flags: number, operation: Operation): void {
  (operation.context as ConnectAttempt).onClosed();
}
