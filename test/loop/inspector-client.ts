/**
 * A client of the inspector's protocol over its WebSocket, as small as it can be: one request at a
 * time, text frames of less than 64 KiB, no fragments. Node 20 has no WebSocket of its own.
 */

import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** An open session; made by `connectInspector`. */
export class InspectorClient {
  readonly #socket: Duplex;
  readonly #waiting = new Map<number, Waiting>();
  #received = Buffer.alloc(0);
  #lastId = 0;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('The inspector closed the connection')));
  }

  /** Evaluates an expression in the inspected program and returns its value. */
  async evaluate(expression: string): Promise<unknown> {
    const params = { expression, returnByValue: true };
    const answer = (await this.call('Runtime.evaluate', params)) as {
      readonly result: { readonly value?: unknown };
    };
    return answer.result.value;
  }

  /** Calls a method of the protocol. */
  call(method: string, params: object = {}): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.write(maskedText(JSON.stringify({ id, method, params })));
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (;;) {
      const short = (this.#received[1] ?? 0) & 0x7f;
      const header = short === 126 ? 4 : 2;
      if (this.#received.length < header) return;
      const length = short === 126 ? this.#received.readUInt16BE(2) : short;
      if (this.#received.length < header + length) return;
      const payload = this.#received.subarray(header, header + length);
      const isText = ((this.#received[0] ?? 0) & 0x0f) === 1;
      this.#received = this.#received.subarray(header + length);
      if (isText) this.#onMessage(payload.toString());
    }
  }

  #onMessage(text: string): void {
    const { id, result, error } = JSON.parse(text) as {
      readonly id?: number;
      readonly result?: unknown;
      readonly error?: { readonly message: string };
    };
    // Without an id it is an event that nobody asked for.
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (id === undefined || waiting === undefined) return;
    this.#waiting.delete(id);
    if (error === undefined) waiting.resolve(result);
    else waiting.reject(new Error(error.message));
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** Opens the WebSocket that Node names when it starts with `--inspect`. */
export function connectInspector(url: string): Promise<InspectorClient> {
  return new Promise((resolve, reject) => {
    const upgrade = request(url.replace(/^ws:/, 'http:'), {
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
        'Sec-WebSocket-Version': '13',
      },
    });
    upgrade.on('upgrade', (_response, socket) => resolve(new InspectorClient(socket)));
    upgrade.on('error', reject);
    upgrade.end();
  });
}

/** A final text frame, masked as clients must. */
function maskedText(text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  const header =
    payload.length < 126
      ? Buffer.from([0x81, 0x80 | payload.length])
      : Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 0xff]);
  const masked = payload.map((byte, at) => byte ^ (mask[at & 3] ?? 0));
  return Buffer.concat([header, mask, masked]);
}
