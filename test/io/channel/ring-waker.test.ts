/**
 * Waking over a real ring: who owns the descriptors, and what carries on where messages fail.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect } from 'vitest';
import { makeChannelMemory, publishBell, queueOf } from '../../../src/io/channel/layout.ts';
import { takeBell } from '../../../src/io/channel/layout.ts';
import type { Side } from '../../../src/io/channel/layout.ts';
import { RingWaker } from '../../../src/io/channel/ring-waker.ts';
import type { Runtime } from '../../../src/runtime/runtime.ts';
import { ringTest } from '../../support/ring-test.ts';

interface End {
  readonly waker: RingWaker;
  readonly heard: string[];
}

function end(runtime: Runtime, words: Int32Array, side: Side): End {
  const heard: string[] = [];
  const port = {
    wake: () => void heard.push('port'),
    setReferenced: () => {},
    close: () => void heard.push('port closed'),
  };
  const listener = {
    onWake: () => void heard.push('woken'),
    onPeerGone: () => void heard.push('gone'),
    onClosed: () => {},
  };
  const engine = runtime.requireEngine();
  return { waker: new RingWaker({ engine, words, side, port, listener }), heard };
}

describe('RingWaker', () => {
  ringTest('6.1', 'wakes the other end through the ring', async ({ open }) => {
    const runtime = open();
    const { words } = queueOf(makeChannelMemory(1024), 0);
    const [one, other] = [end(runtime, words, 0), end(runtime, words, 1)];
    one.waker.wake();
    await runtime.nop();
    expect([one.heard, other.heard]).toEqual([[], ['woken']]);
    other.waker.wake();
    one.waker.wake();
    await runtime.nop();
    expect([one.heard, other.heard]).toEqual([['woken'], ['woken', 'woken']]);
    one.waker.close();
    other.waker.close();
    other.waker.close();
    await runtime.nop();
    await nextTurn();
  });

  ringTest('6.1', 'goes round by the port to an end without a ring', async ({ open }) => {
    const runtime = open();
    const { words } = queueOf(makeChannelMemory(1024), 0);
    const one = end(runtime, words, 0);
    one.waker.wake();
    expect(one.heard).toEqual(['port']);
    one.waker.close();
    await runtime.nop();
  });

  ringTest('6.1', 'goes round by the port where messages fail', async ({ open }) => {
    const runtime = open();
    const { calls, host } = runtime.requireEngine();
    const { words } = queueOf(makeChannelMemory(1024), 0);
    const one = end(runtime, words, 0);
    // A descriptor of something else: -EBADFD.
    publishBell(words, 1, calls.duplicate(host.loop.backendFd), 1);
    one.waker.wake();
    await runtime.nop();
    expect(one.heard).toEqual(['port']);
    one.waker.wake();
    expect(one.heard).toEqual(['port', 'port']);
    one.waker.close();
    await runtime.nop();
  });

  ringTest('6.1', 'takes with it what either end has left', async ({ open }) => {
    const runtime = open();
    const { words } = queueOf(makeChannelMemory(1024), 0);
    const [one, other] = [end(runtime, words, 0), end(runtime, words, 1)];
    // A message is on its way when its ring's descriptor is to be closed.
    one.waker.wake();
    one.waker.close();
    expect([takeBell(words, 0), takeBell(words, 1)]).toEqual([-1, -1]);
    other.waker.close();
    await runtime.nop();
    expect(one.heard).toEqual(['port closed']);
    await nextTurn();
  });
});
