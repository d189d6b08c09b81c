/**
 * A listening socket on the ring: one multishot accept.
 *
 * Running out of descriptors or memory is an ordinary event: accepting pauses for a moment and
 * goes on, while the kernel's backlog keeps who is waiting. A connection that arrives after the
 * accept was canceled is closed.
 */

import {
  ECANCELED,
  ECONNABORTED,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EMFILE,
  ENFILE,
  ENOBUFS,
  ENOMEM,
  EPROTO,
  EPERM,
  IORING_CQE_F_MORE,
  prepClose,
  prepMultishotAccept,
  SOCK_CLOEXEC,
} from '../../native/abi.ts';
import { cancelOperation, rethrow, systemError, Timer } from '../../runtime/index.ts';
import type { Engine, Operation, Runtime } from '../../runtime/index.ts';
import type { AcceptHandler, Acceptor, ListenRequest } from './acceptor.ts';
import { addressOf, endpoint, resolveEndpoints } from './address.ts';
import type { Endpoint, SocketAddress } from './address.ts';
import { openListening } from './listening-socket.ts';
import { RingConnection } from './ring-connection.ts';

/** How long accepting pauses when descriptors or memory ran out. */
const RETRY_MS = 50;

/** Opens a listening socket on the ring. */
export async function openRingAcceptor(
  runtime: Runtime,
  request: ListenRequest,
): Promise<RingAcceptor> {
  const { hostname, port } = request;
  if (hostname !== undefined) {
    const [first] = await resolveEndpoints(hostname, port);
    return listenOn(runtime, request, first ?? endpoint('0.0.0.0', 4, port));
  }
  // As Node does without a host: both families where there is IPv6.
  try {
    return listenOn(runtime, request, endpoint('::', 6, port));
  } catch (error) {
    const { errno } = error as { errno?: number };
    if (errno !== -EAFNOSUPPORT && errno !== -EADDRNOTAVAIL) throw error;
    return listenOn(runtime, request, endpoint('0.0.0.0', 4, port));
  }
}

function listenOn(runtime: Runtime, request: ListenRequest, where: Endpoint): RingAcceptor {
  const { backlog, reusePort } = request;
  const { address, port } = where;
  // Accepted sockets inherit it: small answers go out at once.
  const options = { backlog, reusePort, noDelay: true };
  const fd = openListening(runtime.requireEngine(), where, options);
  if (fd < 0) throw systemError(fd, 'listen', { address, port, form: 'bind' });
  return new RingAcceptor(runtime, fd);
}

type State = 'paused' | 'armed' | 'canceling' | 'resting' | 'closing' | 'closed';

export class RingAcceptor implements Acceptor {
  readonly address: SocketAddress;
  readonly #runtime: Runtime;
  readonly #engine: Engine;
  readonly fd: number;
  readonly #rest: Timer;
  #handler: AcceptHandler | null = null;
  #operation: Operation | null = null;
  #state: State = 'paused';
  #isWanted = false;
  #isReferenced = true;
  /** The path of a Unix socket, which goes with it. */
  readonly #path: Uint8Array | null;
  #isDescriptorGone = false;

  constructor(runtime: Runtime, fd: number, path: Uint8Array | null = null) {
    this.#runtime = runtime;
    this.#engine = runtime.requireEngine();
    this.fd = fd;
    this.#path = path;
    this.#engine.own(fd);
    this.#runtime.resources.add(this);
    this.#rest = new Timer(
      0,
      () => {
        this.#state = 'paused';
        if (this.#isWanted) this.#arm();
      },
      null,
    );
    const address = addressOf(this.#engine.calls.getsockname(fd));
    this.address = address ?? { address: '', family: 'IPv4', port: 0 };
  }

  start(handler: AcceptHandler): void {
    this.#handler = handler;
    this.resume();
  }

  resume(): void {
    this.#isWanted = true;
    if (this.#state === 'paused') this.#arm();
  }

  pause(): void {
    this.#isWanted = false;
    if (this.#state === 'armed') this.#cancel('canceling');
  }

  close(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    this.#engine.scheduler.removeTimer(this.#rest);
    if (this.#path !== null) this.#engine.calls.unlink(this.#path);
    this.#cancel('closing');
    if (this.#operation === null) this.#closeDescriptor();
  }

  /**
   * Closes, and is done with listening when it returns: the address is free again at once.
   * `onClose` still follows in a later tick.
   */
  closeNow(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return;
    if (this.#runtime.isClosed) {
      this.close();
      return;
    }
    const { scheduler, calls } = this.#engine;
    scheduler.removeTimer(this.#rest);
    if (this.#path !== null) calls.unlink(this.#path);
    this.#cancel('closing');
    this.#isDescriptorGone = true;
    if (this.#operation === null) {
      calls.close(this.fd);
      this.#closeDescriptor();
      return;
    }
    // The accept holds on to the socket until its cancellation has gone through: not the number,
    // which is free for others as soon as both entries are with the kernel.
    scheduler.flush();
    calls.close(this.fd);
  }

  destroy(): void {
    this.close();
  }

  setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced;
    const { scheduler } = this.#engine;
    if (this.#operation !== null) scheduler.setReferenced(this.#operation, isReferenced);
    scheduler.setTimerReferenced(this.#rest, isReferenced);
  }

  #arm(): void {
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(onAccept, 'accept');
    operation.context = this;
    operation.runsUserCode = true;
    operation.isMultishot = true;
    operation.makesDescriptor = true;
    prepMultishotAccept(scheduler.sqe, this.fd, 0, 0, SOCK_CLOEXEC);
    if (!this.#isReferenced) scheduler.setReferenced(operation, false);
    this.#operation = operation;
    this.#state = 'armed';
  }

  #cancel(next: 'canceling' | 'closing'): void {
    this.#state = next;
    if (this.#operation !== null) cancelOperation(this.#engine.scheduler, this.#operation);
  }

  /** @internal */
  onAccept(result: number, flags: number): void {
    if (result >= 0) this.#accepted(result);
    if ((flags & IORING_CQE_F_MORE) !== 0) return;
    this.#operation = null;
    if (this.#state === 'closing') {
      this.#closeDescriptor();
      return;
    }
    this.#state = 'paused';
    if (result >= 0 || result === -ECANCELED || isTransient(result)) {
      if (result >= 0) this.#engine.metrics.multishotRearms += 1;
      if (this.#isWanted && !this.#runtime.isClosed) this.#arm();
    } else if (isShortage(result)) {
      this.#restAWhile();
    } else {
      this.#handler?.onError(systemError(result, 'accept', { form: 'net' }));
    }
  }

  #accepted(fd: number): void {
    if (this.#state === 'closing' || this.#handler === null || this.#runtime.isClosed) {
      this.#engine.calls.close(fd);
      return;
    }
    try {
      this.#handler.onConnection(new RingConnection(this.#runtime, fd));
    } catch (error) {
      // What a listener throws does not end the accepting.
      rethrow(error);
    }
  }

  #restAWhile(): void {
    const { scheduler } = this.#engine;
    this.#state = 'resting';
    this.#rest.deadlineMs = scheduler.nowMs() + RETRY_MS;
    scheduler.addTimer(this.#rest);
  }

  #closeDescriptor(): void {
    this.#state = 'closed';
    this.#runtime.resources.delete(this);
    const handler = this.#handler;
    if (this.#isDescriptorGone) {
      setImmediate(() => handler?.onClose());
      return;
    }
    if (this.#runtime.isClosed) {
      this.#engine.calls.close(this.fd);
      handler?.onClose();
      return;
    }
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(onClosed, 'close');
    operation.context = handler;
    operation.runsUserCode = true;
    prepClose(scheduler.sqe, this.fd);
    this.#engine.disown(this.fd);
  }
}

/** A peer that left before it was accepted; nothing is wrong with the listener. */
function isTransient(result: number): boolean {
  return result === -ECONNABORTED || result === -EPROTO || result === -EPERM;
}

function isShortage(result: number): boolean {
  return result === -EMFILE || result === -ENFILE || result === -ENOBUFS || result === -ENOMEM;
}

function onAccept(result: number, flags: number, operation: Operation): void {
  (operation.context as RingAcceptor).onAccept(result, flags);
}

function onClosed(_result: number, _flags: number, operation: Operation): void {
  (operation.context as AcceptHandler | null)?.onClose();
}
