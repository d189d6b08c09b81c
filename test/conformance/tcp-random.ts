/**
 * Connections on which both ends do anything at random: whatever arrives is what was sent, in
 * order; every promise settles; nothing is left. Failures print the seed that replays them.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import { TcpListener } from '../../src/io/tcp/tcp-listener.ts';
import { TcpStream } from '../../src/io/tcp/tcp-stream.ts';
import { Suite } from '../support/conformance-suite.ts';
import { SeededRandom } from '../support/seeded-random.ts';

export const randomSuite: Suite = new Suite();

const SOURCE_SIZE = 1024 * 1024;
/** Codes that an operation may fail with when either end goes away. */
const EXPECTED = ['ERR_SOCKET_CLOSED', 'ECONNRESET', 'EPIPE', 'ERR_RUNTIME_CLOSED', 'ECANCELED'];

/** One end of a connection that does anything. */
class Actor {
  readonly stream: TcpStream;
  readonly failures: unknown[] = [];
  received = 0;
  sent = 0;
  isCorrupt = false;
  readonly #random: SeededRandom;
  readonly #source: Buffer;
  readonly #pending: Promise<unknown>[] = [];
  #isEnding = false;

  constructor(stream: TcpStream, random: SeededRandom, source: Buffer) {
    this.stream = stream;
    this.#random = random;
    this.#source = source;
  }

  async act(): Promise<void> {
    const random = this.#random;
    for (let steps = random.between(5, 60); steps > 0; steps -= 1) {
      this.#step();
      if (random.chance(0.3)) for (let i = random.below(4); i > 0; i -= 1) await nextTurn();
    }
    this.#keep(random.chance(0.5) ? this.stream.close() : this.stream.destroy());
    await Promise.all(this.#pending);
  }

  #step(): void {
    const random = this.#random;
    const action = random.below(100);
    if (action < 45) this.#write();
    else if (action < 85) this.#read();
    else if (action < 88 && !this.#isEnding) this.#end(this.stream.shutdown());
    else if (action < 89) this.#end(this.stream.close());
    else if (action < 90) this.#end(this.stream.destroy());
    else if (action < 95) this.stream.unref().ref();
    else expect(this.stream.bytesRead).toBeGreaterThanOrEqual(this.received);
  }

  #write(): void {
    const random = this.#random;
    const size = random.pick([0, 1, 100, 5000, 70_000, 400_000]);
    const at = this.sent % SOURCE_SIZE;
    const bytes = this.#source.subarray(at, at + size);
    const options = this.#maybeSignal(0.03);
    const isRefused = this.#isEnding || options.signal?.aborted === true;
    if (!isRefused) this.sent += bytes.length;
    this.#keep(this.stream.write(bytes, options));
  }

  #read(): void {
    const reading = this.stream.read(this.#maybeSignal(0.2)).then((chunk) => {
      if (chunk === null) return;
      for (let at = 0; at < chunk.length;) {
        const from = (this.received + at) % SOURCE_SIZE;
        const count = Math.min(chunk.length - at, SOURCE_SIZE - from);
        const expected = this.#source.subarray(from, from + count);
        if (!expected.equals(chunk.subarray(at, at + count))) this.isCorrupt = true;
        at += count;
      }
      this.received += chunk.length;
    });
    this.#keep(reading);
  }

  #end(ending: Promise<void>): void {
    this.#isEnding = true;
    this.#keep(ending);
  }

  #maybeSignal(probability: number): { signal?: AbortSignal } {
    if (!this.#random.chance(probability)) return {};
    const controller = new AbortController();
    const turns = this.#random.below(4);
    void (async () => {
      for (let i = 0; i < turns; i += 1) await nextTurn();
      controller.abort();
    })();
    return { signal: controller.signal };
  }

  #keep(promise: Promise<unknown>): void {
    this.#pending.push(promise.catch((error: unknown) => this.#failed(error)));
  }

  #failed(error: unknown): void {
    const { code, name } = error as Error & { code?: string };
    if (name === 'AbortError' || EXPECTED.includes(code ?? '')) return;
    this.failures.push(code ?? error);
  }
}

for (const [name, options] of [
  ['all defaults', {}],
  ['few small buffers', { receiveBuffers: 2, receiveBufferSize: 700 }],
  ['tiny queues', { entries: 2, completionEntries: 4, completionEntriesMax: 8 }],
] as const) {
  randomSuite.add(
    `ends that do anything, with ${name}`,
    async ({ runtime }) => {
      const random = new SeededRandom();
      const source = random.bytes(SOURCE_SIZE);
      const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
      const { port } = listener.address();
      for (let round = 0; round < 4; round += 1) {
        const actors: Actor[] = [];
        for (let i = 0; i < 40; i += 1) {
          const [client, server] = await Promise.all([
            TcpStream.connect({ hostname: '127.0.0.1', port }),
            listener.accept(),
          ]);
          for (const stream of [client, server]) {
            actors.push(new Actor(stream, new SeededRandom(random.below(2 ** 32)), source));
          }
        }
        await Promise.all(actors.map((actor) => actor.act()));
        expect(
          actors.flatMap(({ failures }) => failures),
          random.replay,
        ).toEqual([]);
        expect(
          actors.some(({ isCorrupt }) => isCorrupt),
          random.replay,
        ).toBe(false);
        for (const [i, actor] of actors.entries()) {
          const peer = actors[i ^ 1];
          expect(actor.received, random.replay).toBeLessThanOrEqual(peer?.sent ?? 0);
        }
      }
      await listener.close();
      for (let turns = 0; turns < 20; turns += 1) await nextTurn();
      expect(runtime.metrics().inFlight, random.replay).toBe(0);
    },
    { runtime: options, timeoutMs: 40_000 },
  );

  randomSuite.add(
    `a runtime that closes under ends that do anything, with ${name}`,
    async ({ runtime }) => {
      const random = new SeededRandom();
      const source = random.bytes(SOURCE_SIZE);
      const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
      const { port } = listener.address();
      const actors: Actor[] = [];
      for (let i = 0; i < 30; i += 1) {
        const [client, server] = await Promise.all([
          TcpStream.connect({ hostname: '127.0.0.1', port }),
          listener.accept(),
        ]);
        for (const stream of [client, server]) {
          actors.push(new Actor(stream, new SeededRandom(random.below(2 ** 32)), source));
        }
      }
      const acting = actors.map((actor) => actor.act());
      for (let turns = random.below(10); turns > 0; turns -= 1) await nextTurn();
      await runtime.close();
      await Promise.all(acting);
      await listener.close();
      expect(
        actors.flatMap(({ failures }) => failures),
        random.replay,
      ).toEqual([]);
      expect(
        actors.some(({ isCorrupt }) => isCorrupt),
        random.replay,
      ).toBe(false);
    },
    { runtime: options, timeoutMs: 40_000 },
  );
}
