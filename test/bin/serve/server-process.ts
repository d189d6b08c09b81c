/**
 * `onering serve` as a process of its own, and requests to it that are sent exactly as written:
 * no path is tidied up, no body is decoded.
 *
 * Runs the build, as users do. `stop` must be called however a test ends; it leaves nothing behind.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Agent, request } from 'node:http';
import type { IncomingMessage, IncomingHttpHeaders, RequestOptions } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../../dist/bin/onering.js', import.meta.url));

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A whole response. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One run of the command. */
export class ServerProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(process.execPath, [command, 'serve', ...args], {
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.exited = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => {
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
  }

  /** Starts a server on a free port and waits until it listens. */
  static async start(folder: string, env?: NodeJS.ProcessEnv): Promise<ServerProcess> {
    const server = new ServerProcess([folder, '--port', '0'], env);
    await server.firstLine();
    return server;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get port(): number {
    return Number(/:(\d+) \(/.exec(this.#stdout)?.[1]);
  }

  /** What it says when it listens; rejects when it ends instead. */
  async firstLine(): Promise<string> {
    while (!this.#stdout.includes('\n')) {
      const data = new Promise((resolve) => this.child.stdout?.once('data', resolve));
      const exit = await Promise.race([data, this.exited]);
      if (typeof exit === 'object') throw new Error(`It ended: ${this.#stderr}`);
    }
    return this.#stdout.split('\n', 1)[0] ?? '';
  }

  /** Sends a request on the one connection that is kept, and collects the response. */
  async get(path: string, options: RequestOptions = {}): Promise<Reply> {
    const response = await this.open(path, options);
    const body = await buffer(response);
    return { status: response.statusCode ?? 0, headers: response.headers, body };
  }

  /** Sends a request and returns the response unread. */
  open(path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { port } = this;
      const all = { host: '127.0.0.1', port, path, agent: this.#agent, ...options };
      request(all, resolve).on('error', reject).end();
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends it, if it has not ended yet. */
  async stop(): Promise<void> {
    this.#agent.destroy();
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
