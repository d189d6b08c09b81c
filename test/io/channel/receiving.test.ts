/**
 * The receiving half alone: when it sleeps, when it wakes the sender, and what the end leaves.
 */

import { describe, expect, it } from 'vitest';
import { FrameWriter } from '../../../src/io/channel/frame-writer.ts';
import { KeepAlive } from '../../../src/io/channel/keep-alive.ts';
import { KIND_BYTES, KIND_MORE } from '../../../src/io/channel/layout.ts';
import { makeChannelMemory, queueOf } from '../../../src/io/channel/layout.ts';
import { Receiving } from '../../../src/io/channel/receiving.ts';
import { closedError } from '../../../src/runtime/errors.ts';
import { Runtime } from '../../../src/runtime/runtime.ts';
import { rejectionOf } from '../../support/rejections.ts';

const runtime = new Runtime({ backend: 'libuv' });

function half(): { receiving: Receiving; writer: FrameWriter; calls: string[] } {
  const calls: string[] = [];
  const waker = {
    wake: () => void calls.push('wake'),
    setReferenced: (isReferenced: boolean) => void calls.push(isReferenced ? 'ref' : 'unref'),
    close: () => {},
  };
  const memory = makeChannelMemory(1024);
  const keepAlive = new KeepAlive(waker);
  const receiving = new Receiving({
    runtime,
    waker,
    keepAlive,
    queue: queueOf(memory, 1),
    side: 0,
  });
  return { receiving, writer: new FrameWriter(queueOf(memory, 1)), calls };
}

function write(writer: FrameWriter, byte: number, kind: number = KIND_BYTES): boolean {
  const isWritten = writer.write(kind, Uint8Array.of(byte), 0, 1);
  writer.publish();
  return isWritten;
}

describe('Receiving', () => {
  it('sleeps only while somebody waits', async () => {
    const { receiving, writer, calls } = half();
    write(writer, 1);
    expect(writer.takeSleeper()).toBe(false);
    expect(await receiving.receive(undefined)).toEqual(Buffer.from([1]));
    expect(writer.takeSleeper()).toBe(false);
    const waiting = receiving.receive(undefined);
    write(writer, 2);
    expect([writer.takeSleeper(), calls]).toEqual([true, ['ref']]);
    receiving.pump();
    expect(await waiting).toEqual(Buffer.from([2]));
    expect(calls).toEqual(['ref', 'unref']);
  });

  it('puts a message together that comes in parts', async () => {
    const { receiving, writer } = half();
    write(writer, 1, KIND_BYTES | KIND_MORE);
    const waiting = receiving.receive(undefined);
    write(writer, 2, KIND_BYTES | KIND_MORE);
    receiving.pump();
    write(writer, 3);
    receiving.pump();
    expect(await waiting).toEqual(Buffer.from([1, 2, 3]));
  });

  it('wakes a sender that waits when half the room is free', async () => {
    const { receiving, writer, calls } = half();
    let frames = 0;
    while (write(writer, frames)) frames += 1;
    expect(writer.block(1)).toBe(true);
    for (let i = 0; i < frames / 2 - 1; i += 1) await receiving.receive(undefined);
    expect(calls).toEqual([]);
    for (let i = 0; i < 2; i += 1) await receiving.receive(undefined);
    expect(calls).toEqual(['wake']);
  });

  it('is over when the peer is gone and nothing is left', async () => {
    const { receiving, writer } = half();
    write(writer, 1);
    const error = closedError('channel');
    receiving.endPeer(error);
    expect(receiving.isOver).toBe(false);
    expect(await receiving.receive(undefined)).toEqual(Buffer.from([1]));
    expect(receiving.isOver).toBe(true);
    expect(await rejectionOf(receiving.receive(undefined))).toBe(error);
    expect(await receiving.next()).toEqual({ value: undefined, done: true });
  });

  it('drops what is left when it is closed itself', async () => {
    const { receiving, writer } = half();
    write(writer, 1);
    receiving.close(closedError('channel'));
    expect(receiving.isOver).toBe(true);
    expect(await rejectionOf(receiving.receive(undefined))).toMatchObject({
      code: 'ERR_CHANNEL_CLOSED',
    });
  });
});
