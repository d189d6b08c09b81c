/**
 * Moving bytes from a stream to a stream and from a file to a stream: arguments, order, ends and
 * failures. How they move is `ring-splice.ts`; where there is no ring, and from files that cannot
 * be spliced, they are copied here.
 *
 *   take the directions -> send what was received -> move until the end -> pass the end on
 *                                       '--failure, abort, close--> destroy what is half done
 */

import {
  boolean,
  closedError,
  ignoreCompletion,
  integer,
  invalidArgType,
  validateNames,
  validateObject,
} from '../../runtime/index.ts';
import { File } from '../file.ts';
import { validateSignal } from '../stream/arguments.ts';
import type { SocketStream } from '../stream/socket-stream.ts';
import type { Connection } from '../tcp/connection.ts';
import { RingConnection } from '../tcp/ring-connection.ts';
import { RingSplice, SpliceUnsupported } from './ring-splice.ts';
import type { SpliceProgress } from './ring-splice.ts';

/** Bytes that are copied at a time. */
const COPY_SIZE = 64 * 1024;

/** How `SocketStream.splice` ends. */
export interface SpliceOptions {
  /**
   * Whether the target is shut down when the source has ended.
   * @defaultValue true
   */
  end?: boolean;
  /** Aborting it destroys both streams. */
  signal?: AbortSignal | undefined;
}

/** Which part of a file `SocketStream.sendFile` sends. */
export interface SendFileOptions {
  /**
   * First byte.
   * @defaultValue 0
   */
  offset?: number;
  /**
   * How many bytes.
   * @defaultValue all that follow
   */
  length?: number;
  /** Aborting it destroys the stream. */
  signal?: AbortSignal | undefined;
}

/** Moves all that `source` receives to `target`. */
export async function spliceStreams(
  source: SocketStream,
  target: SocketStream,
  options: SpliceOptions,
): Promise<number> {
  validateObject(options, 'options');
  validateNames(options, 'options', ['end', 'signal']);
  const endsTarget = boolean(options.end, 'options.end', true);
  const signal = validateSignal(options.signal);
  signal?.throwIfAborted();
  const busy = source.whyBusy('read') ?? target.whyBusy('write');
  if (busy !== null) throw busy;
  source.setBusy('read', true);
  target.setBusy('write', true);
  try {
    return await destroyedOnFailure([source, target], signal, async () => {
      const moved = await move(source, target);
      if (endsTarget) await target.shutdown();
      return moved;
    });
  } finally {
    source.setBusy('read', false);
    target.setBusy('write', false);
  }
}

/** Sends part of a file. */
export async function sendFile(
  file: File,
  target: SocketStream,
  options: SendFileOptions,
): Promise<number> {
  if (!(file instanceof File)) throw invalidArgType('file', 'an instance of File', file);
  validateObject(options, 'options');
  validateNames(options, 'options', ['offset', 'length', 'signal']);
  const { MAX_SAFE_INTEGER: max } = Number;
  const offset = integer(options.offset, 'options.offset', 0, 0, max);
  const length = integer(options.length, 'options.length', max - offset, 0, max);
  const signal = validateSignal(options.signal);
  signal?.throwIfAborted();
  const busy = target.whyBusy('write');
  if (busy !== null) throw busy;
  target.setBusy('write', true);
  try {
    return await destroyedOnFailure([target], signal, () =>
      file.useDescriptor((fd) => moveFile({ file, fd, offset, length }, target)),
    );
  } finally {
    target.setBusy('write', false);
  }
}

/** Runs something that leaves streams in an unknown state when it fails. */
async function destroyedOnFailure<T>(
  streams: readonly SocketStream[],
  signal: AbortSignal | undefined,
  run: () => Promise<T>,
): Promise<T> {
  const destroy = (): void => {
    for (const stream of streams) void stream.destroy();
  };
  signal?.addEventListener('abort', destroy, { once: true });
  try {
    return await run();
  } catch (error) {
    destroy();
    throw signal?.aborted === true ? signal.reason : error;
  } finally {
    signal?.removeEventListener('abort', destroy);
  }
}

async function move(source: SocketStream, target: SocketStream): Promise<number> {
  const from = source.takeConnection();
  const to = target.takeConnection();
  if (!(from instanceof RingConnection) || !(to instanceof RingConnection)) {
    return await copyStream(source, target);
  }
  await new Promise<void>((resolve) => from.quiesce(resolve));
  const { chunks, hasEnded, error } = source.takeReceived();
  let moved = 0;
  for (const chunk of chunks) {
    await send(to, chunk);
    moved += chunk.length;
  }
  if (error !== null) throw error;
  if (hasEnded) return moved;
  // What was written before goes before.
  if (to.queuedBytes > 0) await send(to, Buffer.alloc(0));
  const progress: SpliceProgress = {
    onFilled: (count) => (from.bytesRead += count),
    onEmptied: (count) => to.countWritten(count),
  };
  const origin = { fd: from.fd, offset: null, lengthMax: Infinity };
  const splice = new RingSplice(from.engine, origin, to.fd, progress);
  moved += await asGuest(splice, [from, to]);
  from.endReceiving();
  source.onEnd();
  return moved;
}

/** Which part of which file. */
interface FilePart {
  readonly file: File;
  readonly fd: number;
  readonly offset: number;
  readonly length: number;
}

async function moveFile(part: FilePart, target: SocketStream): Promise<number> {
  const to = target.takeConnection();
  if (!(to instanceof RingConnection)) return await copyFile(part, to);
  if (to.queuedBytes > 0) await send(to, Buffer.alloc(0));
  const progress: SpliceProgress = {
    onFilled: () => {},
    onEmptied: (count) => to.countWritten(count),
  };
  const origin = { fd: part.fd, offset: part.offset, lengthMax: part.length };
  try {
    return await asGuest(new RingSplice(to.engine, origin, to.fd, progress), [to]);
  } catch (error) {
    if (!(error instanceof SpliceUnsupported)) throw error;
    return await copyFile(part, to);
  }
}

async function asGuest(splice: RingSplice, hosts: readonly RingConnection[]): Promise<number> {
  // Closed while this waited: its number may be somebody else's descriptor by now.
  if (hosts.some(({ isClosed }) => isClosed)) throw closedError('socket');
  for (const { guests } of hosts) guests.enter(splice);
  try {
    return await splice.run();
  } finally {
    for (const { guests } of hosts) guests.leave(splice);
  }
}

async function copyStream(source: SocketStream, target: SocketStream): Promise<number> {
  const to = target.takeConnection();
  let moved = 0;
  let isOver = false;
  // A source that sends nothing would not notice that nobody is there to send it to.
  const onGone = (): void => void (isOver || source.destroy());
  target.closed.then(onGone, ignoreCompletion);
  try {
    for (;;) {
      const chunk = await source.receive();
      if (chunk === null) return moved;
      await send(to, chunk);
      moved += chunk.length;
    }
  } finally {
    isOver = true;
  }
}

async function copyFile(part: FilePart, to: Connection): Promise<number> {
  const { file, offset, length } = part;
  let moved = 0;
  while (moved < length) {
    // The connection has let go of it when the send is over.
    const buffer = Buffer.allocUnsafeSlow(Math.min(COPY_SIZE, length - moved));
    const count = await file.read(buffer, { position: offset + moved });
    if (count === 0) break;
    await send(to, buffer.subarray(0, count));
    moved += count;
  }
  return moved;
}

function send(to: Connection, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    to.send(bytes, (error) => (error === null ? resolve() : reject(error)));
  });
}
