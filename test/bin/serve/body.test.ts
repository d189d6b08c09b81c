/**
 * Sending an answer from files that misbehave: what the client sees, and that the file is closed
 * once, after the last read. Files that behave are tested in `serve.test.ts`.
 */

import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Answer } from '../../../bin/serve/answer.ts';
import { sendAnswer } from '../../../bin/serve/body.ts';
import type { Outcome } from '../../../bin/serve/body.ts';
import type { File, TransferOptions } from '../../../src/io/index.ts';

const chunkSize = 256 * 1024;

/** A file whose bytes tell their position, with a say in how much a read returns. */
class FakeFile {
  isReading = false;
  closeCount = 0;
  readonly #limit: (position: number, wanted: number) => number;

  /** @param limit - bytes that a read returns; what it throws is how the read fails. */
  constructor(limit: (position: number, wanted: number) => number) {
    this.#limit = limit;
  }

  async read(
    target: Buffer,
    { offset = 0, length = 0, position }: TransferOptions,
  ): Promise<number> {
    this.isReading = true;
    await new Promise((resolve) => setImmediate(resolve));
    this.isReading = false;
    const start = position ?? 0;
    const count = this.#limit(start, length);
    for (let index = 0; index < count; index += 1) target[offset + index] = (start + index) % 251;
    return count;
  }

  close(): Promise<void> {
    if (this.isReading) throw new Error('It was closed under a read');
    this.closeCount += 1;
    return Promise.resolve();
  }
}

interface Sent {
  readonly response: IncomingMessage;
  readonly outcome: Promise<Outcome>;
}

/** Sends a part of a file to a client that has not begun to read. */
async function send(file: FakeFile, start: number, length: number): Promise<Sent> {
  const answer: Answer = {
    status: 200,
    headers: { 'Content-Length': length },
    body: { file: file as unknown as File, start, length },
  };
  let outcome: Promise<Outcome> | undefined;
  const server = createServer((_request, response) => {
    outcome = sendAnswer(response, answer);
  });
  server.listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [response] = await once(get({ host: '127.0.0.1', port, agent: false }), 'response');
  if (outcome === undefined) throw new Error('The server has not been asked');
  return { response, outcome };
}

function fail(code: string): never {
  throw Object.assign(new Error(`${code}: on purpose`), { code });
}

describe('sendAnswer', () => {
  it('sends the part of the file, however little a read returns', async () => {
    const file = new FakeFile((position, wanted) => Math.min(wanted, 1 + (position % 100_000)));
    const length = 3 * chunkSize + 17;
    const { response, outcome } = await send(file, 5, length);
    const body = await buffer(response);
    expect(body).toHaveLength(length);
    expect(body.every((byte, index) => byte === (5 + index) % 251)).toBe(true);
    expect(await outcome).toEqual({ bodyBytes: length, failure: null });
    expect(file.closeCount).toBe(1);
  });

  it('does not read ahead of a client that does not read', async () => {
    let highest = 0;
    const file = new FakeFile((position, wanted) => {
      highest = Math.max(highest, position + wanted);
      return wanted;
    });
    const { response, outcome } = await send(file, 0, 1024 * chunkSize);
    await stable(() => highest);
    response.destroy();
    expect(await outcome).toMatchObject({ failure: null });
    // What the sockets hold varies; all of it would be 256 MiB.
    expect(highest).toBeLessThan(512 * chunkSize);
    expect(file.closeCount).toBe(1);
  });

  it.each([
    ['EACCES', 403],
    ['EIO', 500],
  ])('answers a first read that fails with %s with %i', async (code, status) => {
    const file = new FakeFile(() => fail(code));
    const { response, outcome } = await send(file, 0, 10);
    expect(response.statusCode).toBe(status);
    expect((await buffer(response)).toString()).toMatch(new RegExp(`^${status} `));
    expect(await outcome).toMatchObject({ bodyBytes: 0, failure: { code } });
    expect(file.closeCount).toBe(1);
  });

  it.each([
    ['fails', (): number => fail('EIO'), 'EIO: on purpose'],
    ['finds the end', (): number => 0, 'The file became shorter while it was sent'],
  ])('cuts the connection when a later read %s', async (_what, later, message) => {
    const file = new FakeFile((position, wanted) => (position === 0 ? wanted : later()));
    const { response, outcome } = await send(file, 0, 2 * chunkSize);
    await expect(buffer(response)).rejects.toThrow('aborted');
    expect(response.complete).toBe(false);
    expect(await outcome).toMatchObject({ bodyBytes: chunkSize, failure: { message } });
    expect(file.closeCount).toBe(1);
  });
});

/** Returns when a counter has not moved for many turns of the loop. */
async function stable(read: () => number): Promise<void> {
  let value = read();
  for (let quietTurns = 0; quietTurns < 2000; quietTurns += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (read() === value) continue;
    value = read();
    quietTurns = 0;
  }
}
