/**
 * When a channel keeps its thread alive, told to the waker once per change.
 */

import { describe, expect, it } from 'vitest';
import { KeepAlive } from '../../../src/io/channel/keep-alive.ts';

describe('KeepAlive', () => {
  it('keeps while somebody waits and the program wants it', () => {
    const told: boolean[] = [];
    const keepAlive = new KeepAlive({
      wake: () => {},
      close: () => {},
      setReferenced: (isReferenced) => told.push(isReferenced),
    });
    keepAlive.setReceiveWaiting(true);
    keepAlive.setSendWaiting(true);
    keepAlive.setReceiveWaiting(false);
    expect(told).toEqual([true]);
    keepAlive.setReferenced(false);
    keepAlive.setReferenced(false);
    expect(told).toEqual([true, false]);
    keepAlive.setReceiveWaiting(true);
    keepAlive.setReferenced(true);
    keepAlive.setReceiveWaiting(false);
    keepAlive.setSendWaiting(false);
    expect(told).toEqual([true, false, true, false]);
  });
});
