/**
 * One file, many transfers at a time, aborted at random: each slot of the file is written and read
 * in a row of its own, and always holds what was written to it last. Failures print their seed.
 */

// oxlint-disable vitest/no-standalone-expect -- the cases of a suite are tests.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect } from 'vitest';
import { File } from '../../src/io/file.ts';
import { Suite } from '../support/conformance-suite.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { tempDirectory } from '../support/temp-directory.ts';

export const randomSuite: Suite = new Suite();

/** A part of the file that only one row of transfers uses. */
class Slot {
  readonly position: number;
  readonly size: number;
  /** What it holds; -1 when an aborted write may or may not have got there. */
  fill = 0;
  readonly mistakes: string[] = [];
  readonly #file: File;
  readonly #random: SeededRandom;

  constructor(file: File, position: number, size: number, random: SeededRandom) {
    this.#file = file;
    this.position = position;
    this.size = size;
    this.#random = random;
  }

  async work(steps: number): Promise<void> {
    for (let step = 0; step < steps; step += 1) {
      if (this.#random.chance(0.5)) await this.#write();
      else await this.#read();
      if (this.#random.chance(0.1)) await nextTurn();
      if (this.#random.chance(0.02)) await this.#file.datasync();
      if (this.#random.chance(0.05)) await this.#file.stat();
    }
  }

  async #write(): Promise<void> {
    const fill = this.#random.between(1, 255);
    const { position } = this;
    const options = { position, ...this.#maybeSignal() };
    const outcome = await settle(this.#file.write(Buffer.alloc(this.size, fill), options));
    if (outcome === this.size) this.fill = fill;
    else if (outcome === 'AbortError') this.fill = -1;
    else this.mistakes.push(`write ${outcome}`);
  }

  async #read(): Promise<void> {
    const buffer = Buffer.alloc(this.size, 0xee);
    const { position } = this;
    const outcome = await settle(this.#file.read(buffer, { position, ...this.#maybeSignal() }));
    if (outcome === 'AbortError' || this.fill === -1) return;
    if (outcome !== this.size) this.mistakes.push(`read ${outcome}`);
    else if (!buffer.every((byte) => byte === this.fill)) this.mistakes.push('read other bytes');
  }

  #maybeSignal(): { signal?: AbortSignal } {
    if (!this.#random.chance(0.15)) return {};
    const controller = new AbortController();
    const turns = this.#random.below(3);
    void (async () => {
      for (let i = 0; i < turns; i += 1) await nextTurn();
      controller.abort();
    })();
    return { signal: controller.signal };
  }
}

function settle(promise: Promise<number>): Promise<number | string> {
  return promise.catch((error: Error & { code?: string }) =>
    error.name === 'AbortError' ? error.name : (error.code ?? String(error)),
  );
}

for (const [size, count, steps] of [
  [512, 60, 60],
  [64 * 1024, 16, 40],
  [300 * 1024, 8, 30],
] as const) {
  randomSuite.add(`${count} rows of transfers of ${size} bytes, some aborted`, async () => {
    const random = new SeededRandom();
    const path = join(tempDirectory(), 'file');
    const file = await File.open(path, 'w+');
    await file.write(Buffer.alloc(1), { position: size * count - 1 });
    const slots = Array.from({ length: count }, (_, i) => {
      const own = new SeededRandom(random.below(2 ** 32));
      return new Slot(file, i * size, size, own);
    });
    await Promise.all(slots.map((slot) => slot.work(steps)));
    await file.close();
    const content = readFileSync(path);
    for (const { position, fill, mistakes } of slots) {
      expect(mistakes, random.replay).toEqual([]);
      const bytes = content.subarray(position, position + size);
      const isRight = fill === -1 || bytes.every((byte) => byte === fill);
      expect(isRight, random.replay).toBe(true);
    }
  });
}
