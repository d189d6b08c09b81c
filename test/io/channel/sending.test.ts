/**
 * The sending half alone: when it publishes, when it wakes, and who is told of the end.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FrameReader } from '../../../src/io/channel/frame-reader.ts';
import { KeepAlive } from '../../../src/io/channel/keep-alive.ts';
import { makeChannelMemory, queueOf } from '../../../src/io/channel/layout.ts';
import { Sending } from '../../../src/io/channel/sending.ts';
import { closedError } from '../../../src/runtime/errors.ts';
import { Runtime } from '../../../src/runtime/runtime.ts';
import { rejectionOf } from '../../support/rejections.ts';

const runtime = new Runtime({ backend: 'libuv' });

function half(): { sending: Sending; reader: FrameReader; calls: string[] } {
  const calls: string[] = [];
  const waker = {
    wake: () => void calls.push('wake'),
    setReferenced: (isReferenced: boolean) => void calls.push(isReferenced ? 'ref' : 'unref'),
    close: () => {},
  };
  const memory = makeChannelMemory(1024);
  const keepAlive = new KeepAlive(waker);
  const sending = new Sending({ runtime, waker, keepAlive, queue: queueOf(memory, 0), side: 0 });
  return { sending, reader: new FrameReader(queueOf(memory, 0)), calls };
}

function count(reader: FrameReader): number {
  let frames = 0;
  for (; reader.next(); reader.advance()) frames += 1;
  return frames;
}

describe('Sending', () => {
  it('publishes in batches, and the rest when the program has nothing more to run', async () => {
    const { sending, reader } = half();
    for (let i = 0; i < 40; i += 1) void sending.send(i);
    expect(count(reader)).toBe(32);
    await nextTurn();
    expect(count(reader)).toBe(8);
  });

  it('wakes a receiver that sleeps, once', async () => {
    const { sending, reader, calls } = half();
    expect(reader.sleep()).toBe(true);
    for (let i = 0; i < 3; i += 1) {
      void sending.send(i);
      await nextTurn();
    }
    expect(calls).toEqual(['wake']);
  });

  it('holds the thread while something waits for room', async () => {
    const { sending, reader, calls } = half();
    const fill = new Uint8Array(200);
    for (let i = 0; i < 4; i += 1) await sending.send(fill);
    expect(calls).toEqual([]);
    const sent = [sending.send(fill), sending.send(fill)];
    await nextTurn();
    expect(calls).toEqual(['ref']);
    expect(count(reader)).toBe(4);
    expect(reader.takeBlocked()).toBe(true);
    sending.pump();
    await Promise.all(sent);
    expect(count(reader)).toBe(2);
    expect(calls).toEqual(['ref', 'unref']);
  });

  it('tells who waits, and who comes, of the end', async () => {
    const { sending } = half();
    const waiting = sending.send(new Uint8Array(5000));
    const error = closedError('channel');
    sending.close(error);
    sending.endPeer(closedError('peer'));
    expect(await rejectionOf(waiting)).toBe(error);
    expect(await rejectionOf(sending.send(1))).toBe(error);
  });
});
