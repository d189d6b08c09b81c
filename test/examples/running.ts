/**
 * Examples as users run them: the build, in a process of its own, on the ring and without it.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { diagnose } from '../../src/runtime/index.ts';

/** The ring, where there is one, and Node's own loop. */
export const backends: readonly string[] = [...new Set([diagnose().backend, 'libuv'])];

/** Starts an example on a free port, and returns the port. It is killed with the test. */
export async function startExample(
  name: string,
  backend: string,
  args: readonly string[] = [],
): Promise<number> {
  const path = fileURLToPath(new URL(`../../dist/examples/${name}.js`, import.meta.url));
  const child = spawn(process.execPath, [path, '--port', '0', ...args], {
    env: { ...process.env, ONERING_BACKEND: backend, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const line = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  const port = /^listening on (\d+)$/.exec(String(line.value))?.[1];
  if (port === undefined) throw new Error(`${name} said: ${String(line.value)}`);
  return Number(port);
}

/** A client of Node's own that collects what it hears. */
export class Client {
  heard = '';
  readonly socket: Socket;
  readonly #ended: Promise<unknown>;

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    this.#ended = once(this.socket, 'end');
    this.#ended.catch(() => null);
    this.socket.setEncoding('latin1').on('data', (text: string) => (this.heard += text));
    onTestFinished(() => void this.socket.destroy());
  }

  /** Sends, and waits until it has heard a text. */
  async say(text: string, answer: string): Promise<void> {
    this.socket.write(text);
    while (!this.heard.includes(answer)) await once(this.socket, 'data');
  }

  /** Sends the end, and waits for the other one. */
  async end(): Promise<string> {
    this.socket.end();
    await this.#ended;
    return this.heard;
  }
}
