/**
 * A connection on the ring: a multishot receive into the runtime's buffer ring, one send in flight
 * at a time, and cancel-wait-close at the end.
 *
 *   receive:  idle --arm--> armed --cancel--> canceling --last completion--> idle
 *                             '--no F_MORE, still wanted--> armed again
 *   close:    open --close()/destroy()--> closing (cancel what runs, wait) --> CLOSE --> closed
 *
 * Hot path (`#onReceive`, `send`, `#onSent`): no closure per operation.
 */

import {
  ECANCELED,
  ENOBUFS,
  ENOTCONN,
  IORING_CQE_BUFFER_SHIFT,
  IORING_CQE_F_BUFFER,
  IORING_CQE_F_MORE,
  IOSQE_BUFFER_SELECT,
  IPPROTO_TCP,
  MSG_NOSIGNAL,
  MSG_WAITALL,
  prepClose,
  prepRecvMultishot,
  prepSend,
  prepShutdown,
  setSqeBufferGroup,
  setSqeFlags,
  SHUT_WR,
  SO_KEEPALIVE,
  SOL_SOCKET,
  TCP_KEEPIDLE,
  TCP_NODELAY,
} from '../../native/abi.ts';
import {
  cancelOperation,
  closedError,
  codedError,
  isStable,
  rethrow,
  systemError,
} from '../../runtime/index.ts';
import type { Engine, Operation, Runtime } from '../../runtime/index.ts';
import { addressOf } from './address.ts';
import type { SocketAddress } from './address.ts';
import type { Connection, ConnectionHandler, SendCallback } from './connection.ts';
import { Guests } from './guests.ts';

type ReceiveState = 'idle' | 'armed' | 'canceling' | 'over';
type CloseState = 'open' | 'flushing' | 'canceling' | 'closing' | 'closed';

interface QueuedSend {
  readonly bytes: Uint8Array;
  readonly done: SendCallback | null;
}

/** Up to here, what is queued behind a running send goes out as one piece. */
const COALESCE_SIZE_MAX = 64 * 1024;

export class RingConnection implements Connection {
  bytesRead = 0;
  bytesWritten = 0;
  queuedBytes = 0;
  readonly #runtime: Runtime;
  readonly #engine: Engine;
  readonly #fd: number;
  #handler: ConnectionHandler | null = null;
  #remote: SocketAddress | null | undefined;
  #local: SocketAddress | null | undefined;
  #receiveState: ReceiveState = 'idle';
  #isWanted = false;
  #isReferenced = true;
  #receive: Operation | null = null;
  #send: Operation | null = null;
  #sending: QueuedSend[] = [];
  #queue: QueuedSend[] = [];
  #sentBytes = 0;
  /** Whether `shutdown` was asked for, and whether it is with the kernel. */
  #isShutDown = false;
  #isShuttingDown = false;
  #onShutdown: SendCallback | null = null;
  #closeState: CloseState = 'open';
  /** Of the device queue, for NAPI busy poll; 0 until something has arrived. */
  #napiId: number;
  #isLending = false;
  #onQuiet: (() => void) | null = null;
  /** What moves bytes on the descriptor besides this: closing cancels it and waits for it. */
  readonly guests: Guests = new Guests(() => {
    if (this.#closeState !== 'open') this.#closeIfIdle();
  });

  /** Made with a connected descriptor that this connection owns from now on. */
  constructor(runtime: Runtime, fd: number) {
    this.#runtime = runtime;
    this.#engine = runtime.requireEngine();
    this.#fd = fd;
    this.#engine.own(fd);
    this.#napiId = this.#engine.napi.join(fd);
    runtime.resources.add(this);
  }

  get isClosed(): boolean {
    return this.#closeState !== 'open';
  }

  /** The engine, for guests. */
  get engine(): Engine {
    return this.#engine;
  }

  /** The descriptor, for guests. */
  get fd(): number {
    return this.#fd;
  }

  get localAddress(): SocketAddress | null {
    if (this.#local === undefined && this.#closeState === 'open') {
      this.#local = addressOf(this.#engine.calls.getsockname(this.#fd));
    }
    return this.#local ?? null;
  }

  get remoteAddress(): SocketAddress | null {
    if (this.#remote === undefined && this.#closeState === 'open') {
      this.#remote = addressOf(this.#engine.calls.getpeername(this.#fd));
    }
    return this.#remote ?? null;
  }

  setHandler(handler: ConnectionHandler): void {
    if (this.#closeState === 'closed') setImmediate(() => handler.onClose());
    else this.#handler = handler;
  }

  start(): void {
    this.#isWanted = true;
    if (this.#receiveState === 'idle' && this.#closeState === 'open') this.#armReceive();
  }

  stop(): void {
    this.#isWanted = false;
    this.#cancelReceive();
  }

  setLending(isLending: boolean): void {
    this.#isLending = isLending;
  }

  /** Stops receiving, and calls back when the kernel has let go: at once where it has. */
  quiesce(done: () => void): void {
    this.stop();
    if (this.#receive === null) done();
    else this.#onQuiet = done;
  }

  /** A guest has seen the end of what the peer sends. */
  endReceiving(): void {
    this.#receiveState = 'over';
  }

  send(bytes: Uint8Array, done: SendCallback | null): void {
    if (this.#closeState !== 'open' || this.#isShutDown) {
      done?.(closedError('socket'));
      return;
    }
    this.queuedBytes += bytes.byteLength;
    // Memory that may move or is shared is sent from a copy.
    this.#queue.push({ bytes: isStable(bytes) ? bytes : Uint8Array.from(bytes), done });
    if (this.#send === null) this.#sendNext();
  }

  shutdown(done: SendCallback): void {
    if (this.#closeState !== 'open' || this.#isShutDown) {
      done(closedError('socket'));
      return;
    }
    this.#isShutDown = true;
    this.#onShutdown = done;
    if (this.#send === null) this.#beginShutdown();
  }

  close(): void {
    if (this.#closeState !== 'open') return;
    this.#closeState = 'flushing';
    if (this.#send === null) this.#sendOn(false);
  }

  destroy(): void {
    if (this.#closeState !== 'open' && this.#closeState !== 'flushing') return;
    this.#cancelAll();
  }

  detach(): number {
    if (this.#closeState !== 'open') throw closedError('socket');
    const isIdle = this.#receiveState === 'idle' && this.#send === null && !this.#isShutDown;
    if (!isIdle) throw codedError('ERR_SOCKET_IN_USE', 'The socket is in use in this thread');
    this.#engine.disown(this.#fd);
    this.onClosed();
    return this.#fd;
  }

  setNoDelay(isOn: boolean): void {
    if (this.#closeState !== 'open') return;
    this.#engine.calls.setOption(this.#fd, IPPROTO_TCP, TCP_NODELAY, isOn ? 1 : 0);
  }

  setKeepAlive(isOn: boolean, initialDelayMs: number): void {
    if (this.#closeState !== 'open') return;
    const { calls } = this.#engine;
    calls.setOption(this.#fd, SOL_SOCKET, SO_KEEPALIVE, isOn ? 1 : 0);
    const seconds = Math.floor(initialDelayMs / 1000);
    if (isOn && seconds > 0) calls.setOption(this.#fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  }

  setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced;
    if (this.#receive !== null) {
      this.#engine.scheduler.setReferenced(this.#receive, isReferenced);
    }
  }

  #armReceive(): void {
    const { scheduler, receiveBuffers } = this.#engine;
    const operation = scheduler.begin(onReceive, 'read');
    operation.context = this;
    operation.isMultishot = true;
    operation.runsUserCode = true;
    prepRecvMultishot(scheduler.sqe, this.#fd, 0, 0, 0);
    setSqeFlags(scheduler.sqe, IOSQE_BUFFER_SELECT);
    setSqeBufferGroup(scheduler.sqe, receiveBuffers.group);
    if (!this.#isReferenced) scheduler.setReferenced(operation, false);
    this.#receive = operation;
    this.#receiveState = 'armed';
  }

  #cancelReceive(): void {
    if (this.#receiveState !== 'armed' || this.#receive === null) return;
    this.#receiveState = 'canceling';
    cancelOperation(this.#engine.scheduler, this.#receive);
  }

  /** @internal */
  onReceive(result: number, flags: number): void {
    const isLast = (flags & IORING_CQE_F_MORE) === 0;
    if (isLast) {
      this.#receive = null;
      this.#receiveState = 'idle';
    }
    if (result > 0) this.#deliver(result, flags);
    if (!isLast) return;
    this.#tellQuiet();
    if (result === 0) this.#receiveState = 'over';
    if (this.#closeState !== 'open') this.#closeIfIdle();
    else if (result === 0) this.#handler?.onEnd();
    else if (result > 0 || result === -ENOBUFS) this.#rearm(result);
    else this.#receiveFailed(result);
  }

  #tellQuiet(): void {
    const done = this.#onQuiet;
    this.#onQuiet = null;
    done?.();
  }

  #deliver(length: number, flags: number): void {
    if ((flags & IORING_CQE_F_BUFFER) === 0) return;
    const { receiveBuffers } = this.#engine;
    const id = flags >>> IORING_CQE_BUFFER_SHIFT;
    this.bytesRead += length;
    if (this.#napiId === 0) this.#napiId = this.#engine.napi.joinLate(this.#fd);
    if (this.#isLending && this.#closeState === 'open') {
      if (receiveBuffers.mayLend) {
        this.#handler?.onLease?.(receiveBuffers.lend(id, length));
        return;
      }
      this.#engine.metrics.leasesCopied += 1;
    }
    const chunk = receiveBuffers.copyOut(id, length);
    receiveBuffers.provide(id);
    if (this.#closeState === 'open') this.#handler?.onData(chunk);
  }

  /** The kernel ended the operation for want of buffers or room: there is more to come. */
  #rearm(result: number): void {
    const { metrics } = this.#engine;
    metrics.multishotRearms += 1;
    if (result === -ENOBUFS) metrics.buffersExhausted += 1;
    if (this.#isWanted && this.#receiveState === 'idle') this.#armReceive();
  }

  /** Canceled by `stop()`, or a connection that is broken. */
  #receiveFailed(result: number): void {
    if (result === -ECANCELED) {
      if (this.#isWanted) this.#armReceive();
      return;
    }
    this.#receiveState = 'over';
    this.#handler?.onError(systemError(result, 'read', { form: 'net' }));
  }

  #sendNext(): void {
    const queue = this.#queue;
    const first = queue[0];
    if (first === undefined) return;
    if (queue.length === 1) {
      this.#sending = queue;
      this.#queue = [];
      this.#beginSend(first.bytes);
      return;
    }
    let count = 0;
    let size = 0;
    for (const { bytes } of queue) {
      if (count > 0 && size + bytes.byteLength > COALESCE_SIZE_MAX) break;
      size += bytes.byteLength;
      count += 1;
    }
    this.#sending = queue.splice(0, count);
    const only = this.#sending[0];
    if (count === 1 && only !== undefined) this.#beginSend(only.bytes);
    else
      this.#beginSend(
        Buffer.concat(
          this.#sending.map(({ bytes }) => bytes),
          size,
        ),
      );
  }

  #beginSend(bytes: Uint8Array): void {
    const { scheduler, addresses } = this.#engine;
    const address = bytes.byteLength === 0 ? 0 : addresses.of(bytes);
    const operation = scheduler.begin(onSent, 'write');
    operation.context = this;
    operation.keep = bytes;
    operation.runsUserCode = true;
    // The kernel itself goes on after a short send.
    prepSend(scheduler.sqe, this.#fd, address, bytes.byteLength, MSG_NOSIGNAL | MSG_WAITALL);
    this.#send = operation;
    this.#sentBytes = 0;
  }

  /** @internal */
  onSent(result: number, operation: Operation): void {
    this.#send = null;
    const bytes = operation.keep as Uint8Array;
    if (result >= 0) {
      this.bytesWritten += result;
      if (result < bytes.byteLength && this.#closeState !== 'canceling') {
        const sent = this.#sentBytes + result;
        this.#beginSend(bytes.subarray(result));
        this.#sentBytes = sent;
        return;
      }
    }
    const isComplete = result >= 0 && result === bytes.byteLength;
    this.#finishSend(isComplete ? null : this.#sendError(result));
  }

  #sendError(result: number): Error {
    if (this.#closeState === 'canceling') return closedError('socket');
    return systemError(result, 'write', { form: 'net' });
  }

  /** One piece is with the kernel, or will never be. What a callback throws stops nothing. */
  #finishSend(error: Error | null): void {
    const finished = this.#sending;
    this.#sending = [];
    for (const { bytes } of finished) this.queuedBytes -= bytes.byteLength;
    const failed = error === null ? [] : this.#takeQueue();
    for (const { done } of finished) tell(done, error);
    for (const { done } of failed) tell(done, error);
    this.#sendOn(error === null);
  }

  /** What follows when no send is in flight: unless a callback has begun one. */
  #sendOn(isFine: boolean): void {
    if (this.#closeState === 'canceling') {
      this.#closeIfIdle();
    } else if (this.#send === null) {
      if (this.#queue.length > 0) this.#sendNext();
      else if (this.#onShutdown !== null) this.#beginShutdown();
      else if (this.#closeState === 'flushing') this.#cancelAll();
      else if (isFine) this.#handler?.onDrain();
    }
  }

  #takeQueue(): QueuedSend[] {
    const taken = this.#queue;
    this.#queue = [];
    for (const { bytes } of taken) this.queuedBytes -= bytes.byteLength;
    return taken;
  }

  #beginShutdown(): void {
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(onShutdown, 'shutdown');
    operation.context = this;
    operation.runsUserCode = true;
    prepShutdown(scheduler.sqe, this.#fd, SHUT_WR);
    this.#isShuttingDown = true;
    this.#send = operation;
  }

  /** @internal */
  onShutdown(result: number): void {
    this.#send = null;
    this.#isShuttingDown = false;
    const done = this.#onShutdown;
    this.#onShutdown = null;
    // A peer that is gone already has heard that nothing follows.
    const isFine = result >= 0 || result === -ENOTCONN;
    tell(done, isFine ? null : this.#sendError(result));
    if (this.#closeState === 'flushing') this.#cancelAll();
    else if (this.#closeState === 'canceling') this.#closeIfIdle();
  }

  #cancelAll(): void {
    this.#closeState = 'canceling';
    const error = closedError('socket');
    for (const { done } of this.#takeQueue()) tell(done, error);
    if (!this.#isShuttingDown) {
      const done = this.#onShutdown;
      this.#onShutdown = null;
      tell(done, error);
    }
    if (this.#send !== null) cancelOperation(this.#engine.scheduler, this.#send);
    this.#cancelReceive();
    this.guests.cancel();
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#closeState === 'flushing' || this.#closeState === 'closing') return;
    if (this.#receive !== null || this.#send !== null || this.guests.size > 0) return;
    this.#engine.napi.leave(this.#napiId);
    this.#napiId = 0;
    if (this.#runtime.isClosed) {
      this.#closeWithoutRing();
      return;
    }
    this.#closeState = 'closing';
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(onClosed, 'close');
    operation.context = this;
    operation.runsUserCode = true;
    prepClose(scheduler.sqe, this.#fd);
    this.#engine.disown(this.#fd);
  }

  /** The runtime closes and has canceled everything: no operation can be begun any more. */
  #closeWithoutRing(): void {
    if (this.#receive !== null || this.#send !== null) return;
    this.#engine.calls.close(this.#fd);
    this.onClosed();
  }

  /** @internal */
  onClosed(): void {
    if (this.#closeState === 'closed') return;
    this.#closeState = 'closed';
    this.#runtime.resources.delete(this);
    const handler = this.#handler;
    this.#handler = null;
    handler?.onClose();
  }
}

/** A callback that throws is reported, and stops nothing. */
function tell(done: SendCallback | null, error: Error | null): void {
  if (done === null) return;
  try {
    done(error);
  } catch (thrown) {
    rethrow(thrown);
  }
}

function onReceive(result: number, flags: number, operation: Operation): void {
  (operation.context as RingConnection).onReceive(result, flags);
}

function onSent(result: number, _flags: number, operation: Operation): void {
  (operation.context as RingConnection).onSent(result, operation);
}

function onShutdown(result: number, _flags: number, operation: Operation): void {
  (operation.context as RingConnection).onShutdown(result);
}

function onClosed(_result: number, _flags: number, operation: Operation): void {
  (operation.context as RingConnection).onClosed();
}
