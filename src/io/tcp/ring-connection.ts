/**
 * A connection on the ring, of any family of stream sockets: a multishot receive into the
 * runtime's buffer ring or single ones into a buffer of the user's, one send in flight at a time
 * (`ring-sender.ts`), and cancel-wait-close at the end.
 *
 *   receive:  idle --arm--> armed --cancel--> canceling --last completion--> idle
 *                             '--no F_MORE, still wanted--> armed again
 *   close:    open --close()/destroy()--> closing (cancel what runs, wait) --> CLOSE --> closed
 *
 * Hot path (`onReceive`, `send`): no closure per operation.
 */

import {
  ECANCELED,
  EINTR,
  ENOBUFS,
  ENOTCONN,
  IORING_CQE_BUFFER_SHIFT,
  IORING_CQE_F_BUFFER,
  IORING_CQE_F_MORE,
  IOSQE_BUFFER_SELECT,
  IPPROTO_TCP,
  prepClose,
  prepNop,
  prepRecv,
  prepRecvMultishot,
  setSqeBufferGroup,
  setSqeFlags,
  SHUT_WR,
  SO_LINGER,
  SOL_SOCKET,
  TCP_NODELAY,
} from '../../native/abi.ts';
import {
  cancelOperation,
  closedError,
  codedError,
  rethrow,
  systemError,
} from '../../runtime/index.ts';
import type { Engine, Operation, Runtime } from '../../runtime/index.ts';
import { addressOf } from './address.ts';
import type { SocketAddress } from './address.ts';
import type { Connection, ConnectionHandler, SendCallback } from './connection.ts';
import { Guests } from './guests.ts';
import { applyKeepAlive } from './keep-alive.ts';
import type { KeepAlive } from './keep-alive.ts';
import { RingSender, tell } from './ring-sender.ts';

type ReceiveState = 'idle' | 'armed' | 'canceling' | 'over';
type CloseState = 'open' | 'flushing' | 'canceling' | 'closing' | 'closed';

/** `struct linger`: on, for 0 seconds. */
const RESET_ON_CLOSE = new Uint8Array(new Int32Array([1, 0]).buffer);

/** Receives into memory of the user's, one buffer after the other. */
export interface ReceiveTarget {
  /** Where the next bytes go; the kernel's until `onFilled` or the end. */
  nextBuffer(): Uint8Array;
  /** So many bytes arrived in it. */
  onFilled(length: number): void;
}

export class RingConnection implements Connection {
  bytesRead = 0;
  readonly fd: number;
  readonly #runtime: Runtime;
  readonly #engine: Engine;
  readonly #sender: RingSender;
  #handler: ConnectionHandler | null = null;
  #target: ReceiveTarget | null = null;
  #remote: SocketAddress | null | undefined;
  #local: SocketAddress | null | undefined;
  #receiveState: ReceiveState = 'idle';
  #isWanted = false;
  #isReferenced = true;
  #receive: Operation | null = null;
  #shutdown: Operation | null = null;
  /** Whether `shutdown` was asked for. */
  #isShutDown = false;
  #onShutdown: SendCallback | null = null;
  #closeState: CloseState = 'open';
  /** Of the device queue, for NAPI busy poll; 0 until something has arrived. */
  #napiId: number;
  #isLending = false;
  #onQuiet: (() => void) | null = null;
  /** Most connections never have one. */
  #guests: Guests | null = null;

  /** Made with a connected descriptor that this connection owns from now on. */
  constructor(runtime: Runtime, fd: number) {
    this.#runtime = runtime;
    this.#engine = runtime.requireEngine();
    this.#sender = new RingSender(this.#engine, fd, this);
    this.fd = fd;
    this.#engine.own(fd);
    this.#napiId = this.#engine.napi.join(fd);
    runtime.resources.add(this);
  }

  get isClosed(): boolean {
    return this.#closeState !== 'open';
  }

  /** What moves bytes on the descriptor besides this: closing cancels it and waits for it. */
  get guests(): Guests {
    this.#guests ??= new Guests(() => {
      if (this.#closeState !== 'open') this.#closeIfIdle();
    });
    return this.#guests;
  }

  /** The engine, for guests. */
  get engine(): Engine {
    return this.#engine;
  }

  get bytesWritten(): number {
    return this.#sender.sentBytes;
  }

  /** Guests count what they send here as well. */
  set bytesWritten(bytes: number) {
    this.#sender.sentBytes = bytes;
  }

  get queuedBytes(): number {
    return this.#sender.queuedBytes;
  }

  /** Bytes that are not with the kernel yet, those of a send in flight counted as they go. */
  get unsentBytes(): number {
    return this.#sender.unsentBytes;
  }

  get localAddress(): SocketAddress | null {
    if (this.#local === undefined && this.#closeState === 'open') {
      this.#local = addressOf(this.#engine.calls.getsockname(this.fd));
    }
    return this.#local ?? null;
  }

  get remoteAddress(): SocketAddress | null {
    if (this.#remote === undefined && this.#closeState === 'open') {
      this.#remote = addressOf(this.#engine.calls.getpeername(this.fd));
    }
    return this.#remote ?? null;
  }

  setHandler(handler: ConnectionHandler): void {
    if (this.#closeState === 'closed') setImmediate(() => handler.onClose());
    else this.#handler = handler;
  }

  /** Receives into the target's buffers from now on. Nothing may be received meanwhile. */
  setTarget(target: ReceiveTarget): void {
    this.#target = target;
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
    this.#sender.send(bytes, done);
  }

  /** Sends pieces as one, in order. They must not change until the callback is called. */
  sendAll(pieces: readonly Uint8Array[], done: SendCallback | null): void {
    if (this.#closeState !== 'open' || this.#isShutDown) {
      done?.(closedError('socket'));
      return;
    }
    this.#sender.sendAll(pieces, done);
  }

  shutdown(done: SendCallback): void {
    if (this.#closeState !== 'open' || this.#isShutDown) {
      done(closedError('socket'));
      return;
    }
    this.#isShutDown = true;
    this.#onShutdown = done;
    if (this.#isQuiet) this.#beginShutdown();
  }

  close(): void {
    if (this.#closeState !== 'open') return;
    this.#closeState = 'flushing';
    if (!this.#isQuiet) return;
    if (this.#onShutdown !== null) this.#beginShutdown();
    else if (this.#shutdown === null) this.#cancelAll();
  }

  destroy(): void {
    if (this.#closeState !== 'open' && this.#closeState !== 'flushing') return;
    this.#cancelAll();
  }

  /** Destroys it, and has the peer see a reset in place of an end. */
  reset(): void {
    if (this.#closeState === 'open' || this.#closeState === 'flushing') {
      this.#engine.calls.setOptionBytes(this.fd, SOL_SOCKET, SO_LINGER, RESET_ON_CLOSE);
    }
    this.destroy();
  }

  detach(): number {
    if (this.#closeState !== 'open') throw closedError('socket');
    const isIdle = this.#receiveState === 'idle' && this.#isQuiet && !this.#isShutDown;
    if (!isIdle) throw codedError('ERR_SOCKET_IN_USE', 'The socket is in use in this thread');
    this.#engine.disown(this.fd);
    this.onClosed();
    return this.fd;
  }

  setNoDelay(isOn: boolean): void {
    if (this.#closeState !== 'open') return;
    this.#engine.calls.setOption(this.fd, IPPROTO_TCP, TCP_NODELAY, isOn ? 1 : 0);
  }

  setKeepAlive(isOn: boolean, initialDelayMs: number): void {
    this.setProbes({ isOn, delay: Math.floor(initialDelayMs / 1000) });
  }

  /** The same, with everything that probes have. */
  setProbes(keepAlive: KeepAlive): void {
    if (this.#closeState === 'open') applyKeepAlive(this.#engine, this.fd, keepAlive);
  }

  setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced;
    if (this.#receive !== null) {
      this.#engine.scheduler.setReferenced(this.#receive, isReferenced);
    }
  }

  /** Whether nothing is being sent and nothing is queued. */
  get #isQuiet(): boolean {
    return !this.#sender.isBusy && this.#sender.queuedBytes === 0;
  }

  #armReceive(): void {
    const { scheduler } = this.#engine;
    const target = this.#target;
    const buffer = target === null ? null : target.nextBuffer();
    const address = buffer === null ? 0 : this.#engine.addresses.of(buffer);
    const operation = scheduler.begin(onReceive, 'read');
    operation.context = this;
    operation.runsUserCode = true;
    if (buffer === null) {
      operation.isMultishot = true;
      prepRecvMultishot(scheduler.sqe, this.fd, 0, 0, 0);
      setSqeFlags(scheduler.sqe, IOSQE_BUFFER_SELECT);
      setSqeBufferGroup(scheduler.sqe, this.#engine.receiveBuffers.group);
    } else {
      operation.keep = buffer;
      prepRecv(scheduler.sqe, this.fd, address, buffer.byteLength, 0);
    }
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
    else if (result > 0 || isInterrupted(result)) this.#rearm(result);
    else this.#receiveFailed(result);
  }

  #tellQuiet(): void {
    const done = this.#onQuiet;
    this.#onQuiet = null;
    done?.();
  }

  #deliver(length: number, flags: number): void {
    this.bytesRead += length;
    if (this.#napiId === 0) this.#napiId = this.#engine.napi.joinLate(this.fd);
    try {
      if ((flags & IORING_CQE_F_BUFFER) !== 0) {
        this.#takeBuffer(flags >>> IORING_CQE_BUFFER_SHIFT, length);
      } else if (this.#closeState === 'open') {
        this.#target?.onFilled(length);
      }
    } catch (error) {
      // What a listener throws does not end the receiving.
      rethrow(error);
    }
  }

  /** What a provided buffer holds: lent where that was asked for and can be, otherwise a copy. */
  #takeBuffer(id: number, length: number): void {
    const { receiveBuffers } = this.#engine;
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
    if (this.#target === null) {
      const { metrics } = this.#engine;
      metrics.multishotRearms += 1;
      if (result === -ENOBUFS) metrics.buffersExhausted += 1;
    }
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

  /**
   * What follows when no send is in flight and none is queued.
   * @internal
   */
  onIdle(isFine: boolean): void {
    if (this.#closeState === 'canceling') this.#closeIfIdle();
    else if (this.#onShutdown !== null) this.#beginShutdown();
    else if (this.#closeState === 'flushing') this.#cancelAll();
    else if (isFine) this.#handler?.onDrain();
  }

  #beginShutdown(): void {
    if (this.#shutdown !== null) return;
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(onShutdown, 'shutdown');
    operation.context = this;
    operation.runsUserCode = true;
    // Nothing waits in a shutdown, and its opcode costs a kernel worker: the tick only brings the
    // result.
    operation.result = this.#engine.calls.shutdown(this.fd, SHUT_WR);
    prepNop(scheduler.sqe);
    this.#shutdown = operation;
  }

  /** @internal */
  onShutdown(result: number): void {
    this.#shutdown = null;
    const done = this.#onShutdown;
    this.#onShutdown = null;
    // A peer that is gone already has heard that nothing follows.
    const isFine = result >= 0 || result === -ENOTCONN;
    if (isFine) tell(done, null);
    else if (this.#closeState === 'canceling') tell(done, closedError('socket'));
    else tell(done, systemError(result, 'shutdown', { form: 'net' }));
    if (this.#closeState === 'flushing') this.#cancelAll();
    else if (this.#closeState === 'canceling') this.#closeIfIdle();
  }

  #cancelAll(): void {
    this.#closeState = 'canceling';
    this.#sender.abort();
    if (this.#shutdown === null) {
      const done = this.#onShutdown;
      this.#onShutdown = null;
      // An error is expensive, and most of the time nobody hears of this one.
      if (done !== null) tell(done, closedError('socket'));
    }
    this.#cancelReceive();
    this.#guests?.cancel();
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#closeState !== 'canceling') return;
    if (this.#receive !== null || this.#shutdown !== null || this.#sender.isBusy) return;
    if (this.#guests !== null && this.#guests.size > 0) return;
    this.#engine.napi.leave(this.#napiId);
    this.#napiId = 0;
    if (this.#runtime.isClosed) {
      // It has canceled everything: no operation can be begun any more.
      this.#engine.calls.close(this.fd);
      this.onClosed();
      return;
    }
    this.#closeState = 'closing';
    const { scheduler } = this.#engine;
    const operation = scheduler.begin(onClosed, 'close');
    operation.context = this;
    operation.runsUserCode = true;
    prepClose(scheduler.sqe, this.fd);
    this.#engine.disown(this.fd);
  }

  /** @internal */
  onClosed(): void {
    if (this.#closeState === 'closed') return;
    this.#closeState = 'closed';
    this.#runtime.resources.delete(this);
    const handler = this.#handler;
    this.#handler = null;
    this.#target = null;
    handler?.onClose();
  }
}

/** Out of provided buffers, or woken by a signal: there is more to come. */
function isInterrupted(result: number): boolean {
  return result === -ENOBUFS || result === -EINTR;
}

function onReceive(result: number, flags: number, operation: Operation): void {
  (operation.context as RingConnection).onReceive(result, flags);
}

function onShutdown(_result: number, _flags: number, operation: Operation): void {
  (operation.context as RingConnection).onShutdown(operation.result);
}

function onClosed(_result: number, _flags: number, operation: Operation): void {
  (operation.context as RingConnection).onClosed();
}
