/**
 * A connection without a kernel: it notes what its face asks for, and the test decides what
 * happens. Nothing is called back but by the test.
 */

import type { SocketAddress } from '../../src/io/tcp/address.ts';
import type { Connection, ConnectionHandler, SendCallback } from '../../src/io/tcp/connection.ts';

interface FakeSend {
  readonly bytes: Uint8Array;
  readonly done: SendCallback | null;
}

export class FakeConnection implements Connection {
  readonly localAddress: SocketAddress = { address: '127.0.0.1', family: 'IPv4', port: 1 };
  readonly remoteAddress: SocketAddress = { address: '127.0.0.1', family: 'IPv4', port: 2 };
  bytesRead = 0;
  bytesWritten = 0;
  queuedBytes = 0;
  isClosed = false;
  /** Whether it was told to receive, and not to stop since. */
  isStarted = false;
  /** Everything that was asked for but `send`, in order. */
  readonly calls: string[] = [];
  readonly sends: FakeSend[] = [];
  /** Copies of what was sent promptly: up to so many bytes each. */
  readonly prompt: Buffer[] = [];
  promptMax = 0;
  readonly shutdowns: SendCallback[] = [];
  handler: ConnectionHandler | null = null;

  setHandler(handler: ConnectionHandler): void {
    this.handler = handler;
  }

  start(): void {
    this.isStarted = true;
    this.calls.push('start');
  }

  stop(): void {
    this.isStarted = false;
    this.calls.push('stop');
  }

  setLending(isLending: boolean): void {
    this.calls.push(isLending ? 'lend' : 'copy');
  }

  sendPromptly(data: string | Uint8Array, encoding: BufferEncoding): number {
    const bytes = typeof data === 'string' ? Buffer.from(data, encoding) : Buffer.from(data);
    if (bytes.length > this.promptMax) return 0;
    this.prompt.push(bytes);
    return bytes.length;
  }

  send(bytes: Uint8Array, done: SendCallback | null): void {
    this.sends.push({ bytes, done });
    this.queuedBytes += bytes.length;
  }

  shutdown(done: SendCallback): void {
    this.calls.push('shutdown');
    this.shutdowns.push(done);
  }

  close(): void {
    this.calls.push('close');
    this.isClosed = true;
  }

  destroy(): void {
    this.calls.push('destroy');
    this.isClosed = true;
  }

  detach(): number {
    return -1;
  }

  setNoDelay(isOn: boolean): void {
    this.calls.push(`noDelay ${isOn}`);
  }

  setKeepAlive(isOn: boolean, initialDelayMs: number): void {
    this.calls.push(`keepAlive ${isOn} ${initialDelayMs}`);
  }

  setReferenced(isReferenced: boolean): void {
    this.calls.push(isReferenced ? 'ref' : 'unref');
  }

  /** Bytes arrive. */
  deliver(bytes: string | Buffer): void {
    this.handler?.onData(Buffer.from(bytes));
  }

  /** The oldest send is over. */
  finishSend(error: Error | null = null): void {
    const send = this.sends.shift();
    if (send === undefined) throw new Error('Nothing was sent');
    this.queuedBytes -= send.bytes.length;
    send.done?.(error);
    if (error === null && this.queuedBytes === 0) this.handler?.onDrain();
  }
}
