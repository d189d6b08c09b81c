/**
 * A connection as a `stream.Duplex`, for what is built on Node's streams: `http`, `tls`, pipelines.
 *
 * It has the few methods of `net.Socket` that those call. Reading stops at the stream's high-water
 * mark and so slows the peer down; a write is done when the kernel has the bytes, or a copy of few
 * is on its way to it.
 */

import { Duplex } from 'node:stream';
import { IdleTimer, TIMEOUT_MS_MAX } from '../stream/idle-timer.ts';
import { mayEmit } from '../stream/shortcuts.ts';
import type { Connection } from './connection.ts';
import type { TcpStream } from './tcp-stream.ts';

interface Chunk {
  readonly chunk: string | Buffer;
  readonly encoding: BufferEncoding;
}

type Done = (error?: Error | null) => void;

/**
 * A TCP connection with the shape of a `net.Socket`, made by `toDuplex`.
 *
 * @example
 * ```ts
 * import { TcpListener, TcpStream, toDuplex } from 'onering';
 *
 * const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
 * const client = await TcpStream.connect({ hostname: '127.0.0.1', port: listener.address().port });
 * toDuplex(await listener.accept()).end('bye');
 * console.log(String(await client.read())); // bye
 * await client.close();
 * await listener.close();
 * ```
 */
export class TcpDuplex extends Duplex {
  readonly #connection: Connection;
  #onDestroyed: (() => void) | null = null;
  #isGone = false;
  #timer: IdleTimer | null = null;
  #timeoutMs = 0;

  /** @internal */
  constructor(connection: Connection) {
    super({ allowHalfOpen: true, decodeStrings: false, emitClose: true, autoDestroy: true });
    this.#connection = connection;
    connection.setHandler(this);
  }

  /** The peer's IP address. */
  get remoteAddress(): string | undefined {
    return this.#connection.remoteAddress?.address;
  }

  /** `'IPv4'` or `'IPv6'`. */
  get remoteFamily(): string | undefined {
    return this.#connection.remoteAddress?.family;
  }

  /** The peer's port. */
  get remotePort(): number | undefined {
    return this.#connection.remoteAddress?.port;
  }

  /** This end's IP address. */
  get localAddress(): string | undefined {
    return this.#connection.localAddress?.address;
  }

  /** This end's port. */
  get localPort(): number | undefined {
    return this.#connection.localAddress?.port;
  }

  /** Bytes received. */
  get bytesRead(): number {
    return this.#connection.bytesRead;
  }

  /** Bytes that the kernel took, or a copy of which is on its way to it. */
  get bytesWritten(): number {
    return this.#connection.bytesWritten;
  }

  /** As in `net.Socket`: 0 switches it off. */
  get timeout(): number | undefined {
    return this.#timeoutMs === 0 ? undefined : this.#timeoutMs;
  }

  /** Emits `'timeout'` after so many milliseconds in which nothing moved. */
  setTimeout(timeoutMs: number, onTimeout?: () => void): this {
    this.#timeoutMs = timeoutMs;
    if (onTimeout !== undefined) {
      if (timeoutMs === 0) this.off('timeout', onTimeout);
      else this.once('timeout', onTimeout);
    }
    if (timeoutMs > 0) {
      this.#timer ??= new IdleTimer(() => this.emit('timeout'));
      this.#timer.set(Math.min(timeoutMs, TIMEOUT_MS_MAX));
    } else {
      this.#timer?.pause();
    }
    return this;
  }

  /** As in `net.Socket`. */
  setNoDelay(isOn = true): this {
    this.#connection.setNoDelay(isOn);
    return this;
  }

  /** As in `net.Socket`. */
  setKeepAlive(isOn = false, initialDelayMs = 0): this {
    this.#connection.setKeepAlive(isOn, initialDelayMs);
    return this;
  }

  /** As in `net.Socket`. */
  ref(): this {
    this.#connection.setReferenced(true);
    return this;
  }

  /** As in `net.Socket`. */
  unref(): this {
    this.#connection.setReferenced(false);
    return this;
  }

  /** As in `net.Socket`: ends, and destroys once everything is sent. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  override _read(): void {
    if (!this.#connection.isClosed) this.#connection.start();
  }

  override _write(chunk: string | Buffer, encoding: BufferEncoding, done: Done): void {
    this.#touch();
    if (this.#connection.sendPromptly(chunk, encoding) > 0) done();
    else this.#connection.send(bytesOf({ chunk, encoding }), done);
  }

  /** Small ones join each other; from the first that cannot, the rest goes as one. */
  override _writev(chunks: Chunk[], done: Done): void {
    this.#touch();
    let sent = 0;
    for (const { chunk, encoding } of chunks) {
      if (chunk.length > 0 && this.#connection.sendPromptly(chunk, encoding) === 0) break;
      sent += 1;
    }
    if (sent === chunks.length) done();
    else this.#connection.send(Buffer.concat(chunks.slice(sent).map(bytesOf)), done);
  }

  override _final(done: Done): void {
    this.#connection.shutdown((error) => {
      // A peer that is gone needs no end.
      done(this.#isGone ? null : error);
    });
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#timer?.clear();
    if (this.#isGone) {
      done(error);
      return;
    }
    this.#onDestroyed = () => done(error);
    this.#connection.destroy();
  }

  /** @internal */
  onData(chunk: Buffer): void {
    this.#touch();
    if (mayEmit(this)) this.emit('data', chunk);
    else if (!this.push(chunk)) this.#connection.stop();
  }

  /** @internal */
  onEnd(): void {
    this.push(null);
    // Without a reader the end would never be seen, and the stream never be destroyed.
    if (this.readableLength === 0) this.read(0);
  }

  /** @internal */
  onError(error: Error): void {
    this.destroy(error);
  }

  /** @internal */
  onDrain(): void {}

  /** @internal */
  onClose(): void {
    this.#isGone = true;
    if (this.#onDestroyed !== null) this.#onDestroyed();
    else this.destroy();
  }

  #touch(): void {
    this.#timer?.touch();
  }
}

function bytesOf({ chunk, encoding }: Chunk): Buffer {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk;
}

/**
 * Turns a stream that nothing was read from into a `Duplex` that Node's `http` and `tls` take.
 *
 * @param stream - the connection; use only the duplex from now on.
 * @returns a `Duplex` with the methods of `net.Socket` that `http` calls.
 * @example
 * ```ts
 * import { createServer } from 'node:http';
 * import { TcpListener, toDuplex } from 'onering';
 *
 * const server = createServer((request, response) => response.end('hello'));
 * const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
 * const accepting = (async () => {
 *   for await (const stream of listener) server.emit('connection', toDuplex(stream));
 * })();
 * const url = `http://127.0.0.1:${listener.address().port}/`;
 * const response = await fetch(url, { headers: { connection: 'close' } });
 * console.log(await response.text()); // hello
 * await listener.close();
 * await accepting;
 * ```
 */
export function toDuplex(stream: TcpStream): TcpDuplex {
  return new TcpDuplex(stream.takeConnection());
}
