/**
 * Sends an answer: its head, and its body with back-pressure.
 *
 * A file is read one chunk ahead of what is being written. Memory: two chunks per response,
 *
 *   borrowed --read--> filled --write--> with the socket --written--> given back
 *
 * and a chunk whose write was not confirmed is never used again: the kernel may still have it.
 */

import type { ServerResponse } from 'node:http';
import type { Answer, FileSlice } from './answer.ts';
import { errorAnswer } from './answer.ts';
import { statusOf } from './failures.ts';

/** Large enough to make the costs of one operation small, small enough to hold many at once. */
const chunkSize = 256 * 1024;

/** Chunks that are kept for the next response: 16 MiB. */
const spareCountMax = 64;

const spares: Buffer[] = [];

/** How sending an answer ended. */
export interface Outcome {
  /** Bytes of the body that were handed to the kernel. */
  readonly bodyBytes: number;
  /** What went wrong on this side, or `null`; a client that went away is nothing wrong. */
  readonly failure: unknown;
}

/**
 * Sends an answer and closes its file. Never rejects: a file that fails after the head was sent
 * costs the connection, which is how HTTP/1.1 says that the body is not whole.
 */
export async function sendAnswer(response: ServerResponse, answer: Answer): Promise<Outcome> {
  const { body } = answer;
  if (body === null || typeof body === 'string') {
    const bodyBytes = await sendText(response, answer, body);
    return { bodyBytes, failure: null };
  }
  const transfer = new Transfer(response, answer, body);
  try {
    return await transfer.run();
  } finally {
    await body.file.close();
  }
}

async function sendText(
  response: ServerResponse,
  { status, headers }: Answer,
  body: string | null,
): Promise<number> {
  const bytes = body === null ? null : Buffer.from(body);
  const length = bytes === null ? {} : { 'Content-Length': bytes.length };
  response.writeHead(status, { ...headers, ...length });
  const isBodyless = bytes === null || response.req.method === 'HEAD';
  await written(response, (done) => {
    response.end(isBodyless ? undefined : bytes, done);
  });
  return isBodyless ? 0 : bytes.length;
}

/** One file on its way to one client. */
class Transfer {
  readonly #response: ServerResponse;
  readonly #answer: Answer;
  readonly #slice: FileSlice;
  readonly #end: number;
  #sentBytes = 0;

  constructor(response: ServerResponse, answer: Answer, slice: FileSlice) {
    this.#response = response;
    this.#answer = answer;
    this.#slice = slice;
    this.#end = slice.start + slice.length;
  }

  async run(): Promise<Outcome> {
    // Rejections are looked at when the chunk's turn comes.
    let ahead = settled(this.#read(this.#slice.start));
    let position = this.#slice.start;
    for (;;) {
      const chunk = await ahead;
      if ('error' in chunk) return await this.#fail(chunk.error);
      position += chunk.length;
      const isLast = position === this.#end;
      if (!isLast) ahead = settled(this.#read(position));
      if (!(await this.#write(chunk, isLast))) {
        // The file must not be closed under a read, nor its chunk lost sight of.
        if (!isLast) await ahead;
        return { bodyBytes: this.#sentBytes, failure: null };
      }
      this.#sentBytes += chunk.length;
      giveBack(chunk);
      if (isLast) return { bodyBytes: this.#sentBytes, failure: null };
    }
  }

  /** Fills a chunk, or less at the end of the slice. */
  async #read(position: number): Promise<Buffer> {
    const buffer = spares.pop() ?? Buffer.allocUnsafeSlow(chunkSize);
    const wanted = Math.min(chunkSize, this.#end - position);
    let filled = 0;
    while (filled < wanted) {
      const options = { offset: filled, length: wanted - filled, position: position + filled };
      const count = await this.#slice.file.read(buffer, options);
      if (count === 0) throw new Error('The file became shorter while it was sent');
      filled += count;
    }
    return buffer.subarray(0, wanted);
  }

  #write(chunk: Buffer, isLast: boolean): Promise<boolean> {
    const response = this.#response;
    // Not before there is something to send: a first read that fails is an error page.
    if (!response.headersSent) response.writeHead(this.#answer.status, this.#answer.headers);
    return written(response, (done) => {
      if (isLast) response.end(chunk, done);
      else response.write(chunk, done);
    });
  }

  async #fail(error: unknown): Promise<Outcome> {
    if (this.#response.headersSent) {
      this.#response.destroy();
    } else {
      const page = errorAnswer(statusOf(error));
      await sendText(this.#response, page, page.body as string);
    }
    return { bodyBytes: this.#sentBytes, failure: error };
  }
}

function giveBack(chunk: Buffer): void {
  if (spares.length < spareCountMax) spares.push(Buffer.from(chunk.buffer, 0, chunkSize));
}

/** A promise that never rejects, so that it may wait unobserved. */
async function settled(chunk: Promise<Buffer>): Promise<Buffer | { readonly error: unknown }> {
  try {
    return await chunk;
  } catch (error) {
    return { error };
  }
}

/** Whether a write got through; `false` when the client went away first. */
function written(
  response: ServerResponse,
  write: (done: (error?: Error | null) => void) => void,
): Promise<boolean> {
  // The socket's event, because a response that waits behind another one never hears of it.
  const { socket } = response.req;
  if (socket.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const onClose = (): void => resolve(false);
    socket.once('close', onClose);
    write((error) => {
      socket.off('close', onClose);
      resolve(error === undefined || error === null);
    });
  });
}
