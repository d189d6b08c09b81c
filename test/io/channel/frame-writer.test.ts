/**
 * Writing frames: room, padding, publishing, and the two flags that wake the other end.
 */

import { beforeEach, describe, expect, it } from 'vitest';
import { FrameReader } from '../../../src/io/channel/frame-reader.ts';
import { FrameWriter } from '../../../src/io/channel/frame-writer.ts';
import {
  KIND_BYTES,
  KIND_VALUE,
  makeChannelMemory,
  queueOf,
} from '../../../src/io/channel/layout.ts';
import type { QueueMemory } from '../../../src/io/channel/layout.ts';

let queue: QueueMemory;
let writer: FrameWriter;
let reader: FrameReader;

beforeEach(() => {
  queue = queueOf(makeChannelMemory(1024), 0);
  writer = new FrameWriter(queue);
  reader = new FrameReader(queue);
});

function write(length: number): boolean {
  return writer.write(KIND_BYTES, new Uint8Array(length).fill(length), 0, length);
}

describe('FrameWriter', () => {
  it('shows nothing before it publishes', () => {
    expect(write(5)).toBe(true);
    expect(reader.next()).toBe(false);
    writer.publish();
    expect([reader.next(), reader.kind, reader.length]).toEqual([true, KIND_BYTES, 5]);
    expect(reader.bytes[reader.offset]).toBe(5);
  });

  it('takes a part of what it is given', () => {
    for (const length of [10, 100]) {
      const source = Uint8Array.from({ length: 200 }, (_, i) => i);
      writer.write(KIND_BYTES, source, 20, 20 + length);
      writer.publish();
      reader.next();
      const read = reader.bytes.subarray(reader.offset, reader.offset + reader.length);
      expect(Buffer.compare(read, source.subarray(20, 20 + length))).toBe(0);
      reader.advance();
    }
  });

  it('takes words, the last of which it may need in part', () => {
    const source = new Int32Array(100).map((_, i) => i * 0x01020304);
    for (const length of [0, 1, 7, 8, 30, 249]) {
      expect(writer.writeWords(KIND_VALUE, source, length)).toBe(true);
      writer.publish();
      expect([reader.next(), reader.kind, reader.length]).toEqual([true, KIND_VALUE, length]);
      const read = reader.bytes.subarray(reader.offset, reader.offset + length);
      expect(Buffer.compare(read, new Uint8Array(source.buffer, 0, length))).toBe(0);
      reader.advance();
    }
    while (writer.writeWords(KIND_VALUE, source, 100));
    expect(writer.block(100)).toBe(true);
  });

  it('refuses what has no room, and has room again when the reader says so', () => {
    let count = 0;
    while (write(120)) count += 1;
    expect(count).toBe(8);
    writer.publish();
    expect(writer.block(120)).toBe(true);
    reader.next();
    expect(reader.takeBlocked()).toBe(false);
    for (let i = 0; i < 4; i += 1) {
      reader.next();
      reader.advance();
    }
    expect([reader.takeBlocked(), reader.takeBlocked()]).toEqual([true, false]);
    expect(write(120)).toBe(true);
  });

  it('does not wait for room that has come meanwhile', () => {
    while (write(120)) writer.publish();
    for (let i = 0; i < 2; i += 1) {
      reader.next();
      reader.advance();
    }
    expect(writer.block(120)).toBe(false);
    expect(reader.takeBlocked()).toBe(false);
  });

  it('tells once that the reader sleeps', () => {
    expect(writer.takeSleeper()).toBe(false);
    expect(reader.sleep()).toBe(true);
    expect([writer.takeSleeper(), writer.takeSleeper()]).toEqual([true, false]);
  });

  it('takes descriptors back that nobody received', () => {
    const back: number[] = [];
    writer.writeDescriptor(11);
    write(9);
    writer.writeDescriptor(12);
    writer.publish();
    reader.next();
    expect(reader.takeDescriptor()).toBe(11);
    writer.reclaimDescriptors((fd) => back.push(fd));
    writer.reclaimDescriptors((fd) => back.push(fd));
    expect(back).toEqual([12]);
  });
});
