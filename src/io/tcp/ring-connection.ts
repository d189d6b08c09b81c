/**
 * A connection on the ring, of any family of stream sockets: one half receives
 * (`ring-receiver.ts`), one half sends (`ring-sender.ts`), and this is what ends them in order:
 * shut down, cancel, wait, close.
 *
 *   open --close()--> flushing --all is sent--> canceling (what runs, wait) --> closing --> closed
 *     '--destroy()-----------------------------------^
 *
 * Hot path (`onChunk`, `send`): no closure per operation.
 */

import {
  ENOTCONN,
  IPPROTO_TCP,
  prepClose,
  prepNop,
  SHUT_WR,
  SO_LINGER,
  SOL_SOCKET,
  TCP_NODELAY,
} from '../../native/abi.ts';
import { closedError, codedError, systemError } from '../../runtime/index.ts';
import type { Engine, Lease, Operation, Runtime } from '../../runtime/index.ts';
import { addressOf } from './address.ts';
import type { SocketAddress } from './address.ts';
import type { Connection, ConnectionHandler, SendCallback } from './connection.ts';
import { Guests } from './guests.ts';
import { applyKeepAlive } from './keep-alive.ts';
import type { KeepAlive } from './keep-alive.ts';
import { RingReceiver } from './ring-receiver.ts';
import type { ReceiveTarget } from './ring-receiver.ts';
import { PROMPT_COPY_MAX, RingSender, tell } from './ring-sender.ts';

type CloseState = 'open' | 'flushing' | 'canceling' | 'closing' | 'closed';

/** Up to here a copy costs less than waiting for a completion. */
const PROMPT_SIZE_MAX = 4 * 1024;
/** So long a text is always encoded, which is a copy as well; a character has 3 bytes at most. */
const TEXT_LENGTH_MAX = PROMPT_COPY_MAX / 3;
/** To count the bytes of a text that is no longer takes as long as to write it. */
const SHORT_TEXT_LENGTH = 1024;
/** `struct linger`: on, for 0 seconds. */
const RESET_ON_CLOSE = new Uint8Array(new Int32Array([1, 0]).buffer);

export class RingConnection implements Connection {
  readonly fd: number;
  readonly #runtime: Runtime;
  readonly #engine: Engine;
  readonly #receiver: RingReceiver;
  readonly #sender: RingSender;
  #handler: ConnectionHandler | null = null;
  #remote: SocketAddress | null | undefined;
  #local: SocketAddress | null | undefined;
  #shutdown: Operation | null = null;
  /** Whether `shutdown` was asked for. */
  #isShutDown = false;
  #onShutdown: SendCallback | null = null;
  #closeState: CloseState = 'open';
  /** Most connections never have one. */
  #guests: Guests | null = null;

  /** Made with a connected descriptor that this connection owns from now on. */
  constructor(runtime: Runtime, fd: number) {
    this.#runtime = runtime;
    this.#engine = runtime.requireEngine();
    this.#receiver = new RingReceiver(this.#engine, fd, this);
    this.#sender = new RingSender(this.#engine, fd, this);
    this.fd = fd;
    this.#engine.own(fd);
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

  get bytesRead(): number {
    return this.#receiver.bytesRead;
  }

  /** Guests count what they receive here as well. */
  set bytesRead(bytes: number) {
    this.#receiver.bytesRead = bytes;
  }

  get bytesWritten(): number {
    return this.#sender.writtenBytes;
  }

  /** Guests count what they send here as well. */
  countWritten(bytes: number): void {
    this.#sender.sentBytes += bytes;
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
    if (this.#closeState === 'closed') {
      setImmediate(() => handler.onClose());
      return;
    }
    this.#handler = handler;
    const runsUserCode = handler.settlesOnly !== true;
    this.#receiver.runsUserCode = runsUserCode;
    this.#sender.runsUserCode = runsUserCode;
  }

  /** Receives into the target's buffers from now on. Nothing may be received meanwhile. */
  setTarget(target: ReceiveTarget): void {
    this.#receiver.setTarget(target);
  }

  start(): void {
    this.#receiver.start();
  }

  stop(): void {
    this.#receiver.stop();
  }

  setLending(isLending: boolean): void {
    this.#receiver.setLending(isLending);
  }

  /** Stops receiving, and calls back when the kernel has let go: at once where it has. */
  quiesce(done: () => void): void {
    this.#receiver.quiesce(done);
  }

  /** A guest has seen the end of what the peer sends. */
  endReceiving(): void {
    this.#receiver.end();
  }

  send(bytes: Uint8Array, done: SendCallback | null): void {
    if (this.#closeState !== 'open' || this.#isShutDown) {
      done?.(closedError('socket'));
      return;
    }
    this.#sender.send(bytes, done);
  }

  /**
   * Memory for a prompt send, filled by the caller and sent by `sendRoom`; see `RingSender`. There
   * is none where nothing is received: nobody would have heard yet that the peer is gone.
   */
  room(size: number): Buffer | null {
    if (this.#closeState !== 'open' || this.#isShutDown) return null;
    return this.#receiver.mayHear ? this.#sender.room(size) : null;
  }

  sendRoom(size: number): void {
    this.#sender.sendRoom(size);
  }

  sendPromptly(data: string | Uint8Array, encoding: BufferEncoding): number {
    const isText = typeof data === 'string';
    if (data.length > (isText ? TEXT_LENGTH_MAX : PROMPT_SIZE_MAX)) return 0;
    const room = this.room(isText ? mostOf(data, encoding) : data.length);
    if (room === null) return 0;
    let size = data.length;
    if (isText) size = room.write(data, encoding);
    else room.set(data);
    this.#sender.sendRoom(size);
    return size;
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
    const isIdle = this.#receiver.isIdle && this.#isQuiet && !this.#isShutDown;
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
    this.#receiver.setReferenced(isReferenced);
  }

  /** Whether nothing is being sent and nothing is queued. */
  get #isQuiet(): boolean {
    return !this.#sender.isBusy && this.#sender.queuedBytes === 0;
  }

  /** @internal */
  onChunk(chunk: Buffer): void {
    this.#handler?.onData(chunk);
  }

  /** @internal */
  onChunkLent(lease: Lease): void {
    this.#handler?.onLease?.(lease);
  }

  /** @internal */
  onReceivingOver(result: number): void {
    if (result === 0) this.#handler?.onEnd();
    else this.#handler?.onError(systemError(result, 'read', { form: 'net' }));
  }

  /** @internal */
  onReceiverIdle(): void {
    this.#closeIfIdle();
  }

  /** @internal */
  onPromptFailure(result: number): void {
    this.#handler?.onError(systemError(result, 'write', { form: 'net' }));
  }

  /**
   * What follows when no send is in flight and none is queued.
   * @internal
   */
  onIdle(isFine: boolean): void {
    if (this.#closeState === 'canceling') this.#closeIfIdle();
    else if (this.#onShutdown !== null) this.#shutDownInTick();
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

  /** Behind the last send, where no caller is on the stack who would be surprised. */
  #shutDownInTick(): void {
    if (this.#shutdown === null) this.onShutdown(this.#engine.calls.shutdown(this.fd, SHUT_WR));
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
    this.#receiver.cancel();
    this.#guests?.cancel();
    this.#closeIfIdle();
  }

  #closeIfIdle(): void {
    if (this.#closeState !== 'canceling') return;
    if (this.#receiver.isBusy || this.#shutdown !== null || this.#sender.isBusy) return;
    if (this.#guests !== null && this.#guests.size > 0) return;
    this.#receiver.leaveNapi();
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
    this.#receiver.setTarget(null);
    handler?.onClose();
  }
}

function onShutdown(_result: number, _flags: number, operation: Operation): void {
  (operation.context as RingConnection).onShutdown(operation.result);
}

function onClosed(_result: number, _flags: number, operation: Operation): void {
  (operation.context as RingConnection).onClosed();
}

/** How many bytes a text is at most: to count those of a short one takes as long as to write it. */
function mostOf(text: string, encoding: BufferEncoding): number {
  if (text.length > SHORT_TEXT_LENGTH) return Buffer.byteLength(text, encoding);
  return encoding === 'latin1' ? text.length : 3 * text.length;
}
