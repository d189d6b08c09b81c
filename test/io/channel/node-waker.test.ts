/**
 * Waking over a MessagePort: the other end hears it, and hears of the end.
 */

import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { NodeWaker } from '../../../src/io/channel/node-waker.ts';

interface End {
  readonly waker: NodeWaker;
  readonly heard: string[];
  /** Resolves when something is heard. */
  next(): Promise<void>;
}

function end(port: MessageChannel['port1']): End {
  const heard: string[] = [];
  let resolve = (): void => {};
  const hear = (what: string) => (): void => {
    heard.push(what);
    resolve();
  };
  const waker = new NodeWaker(port, {
    onWake: hear('wake'),
    onPeerGone: hear('gone'),
    onClosed: hear('closed'),
  });
  const next = (): Promise<void> => new Promise((settle) => (resolve = settle));
  waker.setReferenced(true);
  return { waker, heard, next };
}

describe('NodeWaker', () => {
  it('wakes the other end and tells it of the end', async () => {
    const { port1, port2 } = new MessageChannel();
    const [one, two] = [end(port1), end(port2)];
    const woken = two.next();
    one.waker.wake();
    await woken;
    expect([one.heard, two.heard]).toEqual([[], ['wake']]);
    const ends = Promise.all([one.next(), two.next()]);
    one.waker.close();
    await ends;
    expect([one.heard, two.heard]).toEqual([['closed'], ['wake', 'gone', 'closed']]);
    // Nobody hears it, and nothing breaks.
    two.waker.wake();
    two.waker.close();
  });
});
