/**
 * Crew: the workers behind `onering serve --workers`, seen from the main thread.
 *
 * Either every worker listens on the same port and the kernel spreads connections by their
 * addresses (`SO_REUSEPORT`), or this thread accepts and gives connections out in turn, which is
 * even however few they are. Counters are added up over all workers.
 */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Channel, TcpListener } from '../../src/io/index.ts';
import type { TcpStream } from '../../src/io/index.ts';
import type { CrewOrder, FromWorker, ThreadMetrics, ToWorker } from './crew-messages.ts';
import { urlOf } from './server.ts';
import type { ServerMetrics } from './server.ts';

/** How a crew is set up. */
export interface CrewOptions {
  readonly folder: string;
  readonly hostname: string;
  /** 0 is any free port. */
  readonly port: number;
  readonly workers: number;
  /** Whether this thread accepts and gives connections out. */
  readonly isBalanced: boolean;
  /** Counters of this thread. */
  metrics(): ThreadMetrics;
  /** Hears of failures that do not end the server. */
  onComplaint(text: string): void;
}

/** A worker as the main thread sees it. */
interface Member {
  readonly channel: Channel<ToWorker, FromWorker>;
  readonly exited: Promise<unknown>;
  /** Resolves when all is heard that it will ever say. */
  heard: Promise<void>;
  /** Who waits for its counters. */
  readonly counting: Map<number, (metrics: ThreadMetrics) => void>;
  cutCount: number;
}

/** Several threads that serve one site on one address. */
export class Crew {
  /** Where the site is. */
  readonly url: string;
  /** Rejects when the crew can no longer serve. */
  readonly accepting: Promise<never>;
  readonly #options: CrewOptions;
  readonly #listener: TcpListener;
  readonly #members: Member[];
  #fail: (error: Error) => void = () => {};
  #isStopping = false;
  #nextMember = 0;
  #nextCount = 1;

  private constructor(options: CrewOptions, listener: TcpListener) {
    this.#options = options;
    this.#listener = listener;
    this.url = urlOf(listener);
    this.accepting = new Promise((_resolve, reject) => {
      this.#fail = reject;
    });
    const { folder, hostname, workers, isBalanced } = options;
    const { port } = listener.address();
    const order: CrewOrder = { folder, hostname, port, isBalanced };
    this.#members = Array.from({ length: workers }, () => startMember(order));
  }

  /**
   * Starts all workers.
   *
   * @throws what `TcpListener.listen` throws, and an `Error` with what a worker says.
   */
  static async start(options: CrewOptions): Promise<Crew> {
    const { hostname, port, isBalanced } = options;
    // It accepts in balanced mode; otherwise it finds the port and keeps it until all have it.
    const listener = await TcpListener.listen({ hostname, port, reusePort: !isBalanced });
    const crew = new Crew(options, listener);
    try {
      await Promise.all(crew.#members.map((member) => crew.#ready(member)));
    } catch (error) {
      await crew.stop();
      throw error;
    }
    for (const member of crew.#members) member.heard = crew.#listen(member);
    if (isBalanced) void crew.#accept();
    else await listener.close();
    return crew;
  }

  /**
   * Stops accepting, lets what runs finish within a bound, and ends all workers.
   *
   * @returns how many responses did not finish.
   */
  async stop(): Promise<number> {
    this.#isStopping = true;
    await this.#listener.close();
    let cutCount = 0;
    const endings = this.#members.map(async (member) => {
      await tell(member, { type: 'stop' });
      await member.exited;
      await member.heard;
      await member.channel.close();
      cutCount += member.cutCount;
    });
    await Promise.all(endings);
    return cutCount;
  }

  /** Waits until a worker serves. One that ends has told why, if it could: nothing is lost. */
  async #ready({ channel }: Member): Promise<void> {
    const first = await firstOf(channel);
    if (first?.type === 'ready') return;
    throw new Error(first?.type === 'failed' ? first.reason : 'A worker ended before it served');
  }

  /** Hears a worker until it ends. */
  async #listen(member: Member): Promise<void> {
    for await (const message of member.channel) {
      if (message.type === 'complaint') this.#options.onComplaint(message.text);
      else if (message.type === 'failed') this.#fail(new Error(message.reason));
      else if (message.type === 'stopped') member.cutCount = message.cutCount;
      else if (message.type === 'ask') void this.#answer(member, message.id);
      else if (message.type === 'count') member.counting.get(message.id)?.(message.metrics);
    }
    // Who waits for the counters of one that is gone gets none.
    for (const count of member.counting.values()) count({ isGone: true });
    if (!this.#isStopping) this.#fail(new Error('A worker has ended'));
  }

  /** Gives connections out in turn. One that its worker cannot take goes to the next. */
  async #accept(): Promise<void> {
    try {
      for await (const stream of this.#listener) {
        let isTaken = false;
        for (let tries = 0; tries < this.#members.length && !isTaken; tries += 1) {
          isTaken = await this.#give(stream);
        }
        if (!isTaken) await stream.destroy();
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async #give(stream: TcpStream): Promise<boolean> {
    const member = this.#members[this.#nextMember];
    this.#nextMember = (this.#nextMember + 1) % this.#members.length;
    return member !== undefined && (await tell(member, stream));
  }

  async #answer(member: Member, id: number): Promise<void> {
    const workers = await Promise.all(this.#members.map((each) => this.#count(each)));
    const metrics = { ...this.#options.metrics(), server: sumOf(workers), workers };
    await tell(member, { type: 'counted', id, metrics });
  }

  async #count(member: Member): Promise<ThreadMetrics> {
    const id = this.#nextCount;
    this.#nextCount += 1;
    const counted = new Promise<ThreadMetrics>((resolve) => member.counting.set(id, resolve));
    if (!(await tell(member, { type: 'count', id }))) return { isGone: true };
    const metrics = await counted;
    member.counting.delete(id);
    return metrics;
  }
}

function startMember(order: CrewOrder): Member {
  const { channel, port } = Channel.create<ToWorker, FromWorker>();
  const worker = new Worker(new URL('crew-worker.js', import.meta.url), {
    workerData: { order, port },
    transferList: [port],
  });
  // What a worker throws ends it: its exit is what counts, and the reason is told.
  worker.on('error', (error) => process.stderr.write(`onering serve: ${String(error)}\n`));
  const exited = once(worker, 'exit').then(() => undefined);
  return { channel, exited, heard: Promise.resolve(), counting: new Map(), cutCount: 0 };
}

/** Says whether the worker was still there to be told. */
async function tell({ channel }: Member, message: ToWorker): Promise<boolean> {
  try {
    await channel.send(message);
    return true;
  } catch {
    // The worker has ended, or is about to.
    return false;
  }
}

/** What a worker says first, or null: it has ended. */
async function firstOf(channel: Member['channel']): Promise<FromWorker | null> {
  try {
    return await channel.receive();
  } catch {
    return null;
  }
}

function sumOf(workers: readonly ThreadMetrics[]): ServerMetrics {
  const sum = { connections: 0, openConnections: 0, requests: 0, bodyBytes: 0 };
  for (const { server } of workers) {
    const { connections, openConnections, requests, bodyBytes } = (server ?? {}) as ServerMetrics;
    sum.connections += connections ?? 0;
    sum.openConnections += openConnections ?? 0;
    sum.requests += requests ?? 0;
    sum.bodyBytes += bodyBytes ?? 0;
  }
  return sum;
}
