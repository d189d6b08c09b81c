/**
 * Views that come back: looked up once, forgotten when they have no bytes any more, and never
 * held.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Addresses } from '../../src/runtime/addresses.ts';
import { KnownViews } from '../../src/runtime/known-views.ts';
import type { LentMemory, Loan } from '../../src/runtime/lent-memory.ts';
import { SimKernel } from '../support/sim-kernel.ts';

/** A kernel that counts how often it was asked. */
class CountingKernel extends SimKernel {
  asked = 0;

  override addressOf(memory: ArrayBuffer | ArrayBufferView): number {
    this.asked += 1;
    return super.addressOf(memory);
  }
}

/** What was made in this turn is held until it is over. */
async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  await new Promise<void>((resolve) => setImmediate(resolve));
  collect();
}

function makeViews() {
  const kernel = new CountingKernel();
  const addresses = new Addresses(kernel);
  return { kernel, addresses, views: new KnownViews(addresses) };
}

describe('KnownViews', () => {
  it('knows a view that came back, at its own first byte', () => {
    const { addresses, views } = makeViews();
    const memory = new ArrayBuffer(64);
    const view = new Uint8Array(memory, 8);
    expect(views.find(view)).toBe(undefined);
    const { address } = views.learn(view, null);
    expect(address).toBe(addresses.of(new Uint8Array(memory)) + 8);
    expect(views.find(view)).toBe(undefined);
    views.learn(view, null);
    expect(views.find(view)).toMatchObject({ address, loan: null });
    expect(views.find(new Uint8Array(memory, 8))).toBe(undefined);
  });

  it('knows each of several that take turns', () => {
    const { views } = makeViews();
    const turns = Array.from({ length: 40 }, () => new Uint8Array(8));
    for (let round = 0; round < turns.length * 2; round += 1) {
      for (const view of turns) {
        if (views.find(view) === undefined) views.learn(view, null);
      }
    }
    for (const view of turns) expect(views.find(view)).not.toBe(undefined);
  });

  it('forgets a view whose memory was given away', () => {
    const { views } = makeViews();
    const view = new Uint8Array(8);
    views.learn(view, null);
    views.learn(view, null);
    expect(views.find(view)).not.toBe(undefined);
    structuredClone(view.buffer, { transfer: [view.buffer] });
    expect(views.find(view)).toBe(undefined);
  });

  it('never asks for the address of nothing, and takes nothing that is no object', () => {
    const { kernel, views } = makeViews();
    expect(views.learn(new Uint8Array(0), null).address).toBe(0);
    expect(kernel.asked).toBe(0);
    expect(views.find('text' as unknown as Uint8Array)).toBe(undefined);
  });

  it('does not remember a DataView, which throws when it is detached', () => {
    const { views } = makeViews();
    const view = new DataView(new ArrayBuffer(8));
    for (let use = 0; use < 3; use += 1) views.learn(view, null);
    expect(views.find(view)).toBe(undefined);
  });

  it('remembers what registered memory a view is a part of', () => {
    const { views } = makeViews();
    const loan = {} as Loan;
    const lent = { of: () => loan } as unknown as LentMemory;
    const view = new Uint8Array(8);
    expect(views.learn(view, lent).loan).toBe(loan);
    views.learn(view, lent);
    expect(views.find(view)?.loan).toBe(loan);
  });

  it('holds neither what it knows nor what might come back', async () => {
    const { views } = makeViews();
    const refs: WeakRef<object>[] = [];
    (() => {
      for (let index = 0; index < 2000; index += 1) {
        const view = new Uint8Array(64);
        views.learn(view, null);
        if (index % 2 === 0) views.learn(view, null);
        refs.push(new WeakRef(view));
      }
    })();
    await collectGarbage();
    expect(refs.filter((ref) => ref.deref() !== undefined).length).toBe(0);
  });

  it('does not hold the only view that it has seen', async () => {
    const { views } = makeViews();
    const ref = (() => {
      const view = new Uint8Array(8);
      views.learn(view, null);
      return new WeakRef(view);
    })();
    await collectGarbage();
    expect(ref.deref()).toBe(undefined);
  });
});
