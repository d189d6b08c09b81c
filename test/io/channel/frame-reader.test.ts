/**
 * Reading frames: around the end of the queue and where positions wrap.
 */

import { describe, expect, it } from 'vitest';
import { FrameReader } from '../../../src/io/channel/frame-reader.ts';
import { FrameWriter } from '../../../src/io/channel/frame-writer.ts';
import { KIND_VALUE, makeChannelMemory, queueOf } from '../../../src/io/channel/layout.ts';
import { SeededRandom } from '../../support/seeded-random.ts';

describe('FrameReader', () => {
  it('reads what was written, in order, wherever the queue ends and positions wrap', () => {
    const random = new SeededRandom();
    const queue = queueOf(makeChannelMemory(1024), 1);
    const writer = new FrameWriter(queue);
    const reader = new FrameReader(queue);
    let [written, read] = [0, 0];
    const lengths: number[] = [];
    while (read < 20_000) {
      for (let tries = random.below(12); tries > 0; tries -= 1) {
        const length = random.between(4, writer.frameMax);
        const bytes = new Uint8Array(length);
        new DataView(bytes.buffer).setUint32(0, written);
        if (!writer.write(KIND_VALUE, bytes, 0, length)) break;
        lengths.push(length);
        written += 1;
      }
      writer.publish();
      for (let tries = random.below(12); tries > 0 && reader.next(); tries -= 1) {
        const seen = [reader.length, reader.bytes.readUInt32BE(reader.offset)];
        if (seen[0] !== lengths.shift() || seen[1] !== read) {
          expect.fail(`frame ${read} is ${String(seen)}; ${random.replay}`);
        }
        reader.advance();
        read += 1;
      }
    }
  });

  it('does not sleep over a frame that has just come', () => {
    const queue = queueOf(makeChannelMemory(1024), 0);
    const writer = new FrameWriter(queue);
    const reader = new FrameReader(queue);
    expect(reader.next()).toBe(false);
    writer.write(KIND_VALUE, new Uint8Array(1), 0, 1);
    writer.publish();
    expect(reader.sleep()).toBe(false);
    expect(writer.takeSleeper()).toBe(false);
    expect(reader.next()).toBe(true);
  });
});
