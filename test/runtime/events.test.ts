/**
 * The topics on `diagnostics_channel`, by the names that tools subscribe to.
 */

import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { channels } from '../../src/runtime/events.ts';
import { ringTest } from '../support/ring-test.ts';

describe('channels', () => {
  it('are found under their names', () => {
    expect(channels.open).toBe(channel('onering:runtime:open'));
    expect(channels.close).toBe(channel('onering:runtime:close'));
    expect(channels.resize).toBe(channel('onering:resize'));
    expect(channels.failure).toBe(channel('onering:failure'));
  });

  it('have no subscriber until somebody subscribes', () => {
    for (const topic of Object.values(channels)) expect(topic.hasSubscribers).toBe(false);
  });

  ringTest('6.13', 'tell of opening, resizing and closing, each once', async (test) => {
    const seen: [string | symbol, unknown][] = [];
    const note = (message: unknown, name: string | symbol): void => {
      seen.push([name, message]);
    };
    const names = Object.values(channels).map(({ name }) => name);
    for (const name of names) subscribe(name, note);
    try {
      const runtime = test.open({
        entries: 8,
        completionEntries: 8,
        completionEntriesMax: 16,
        resize: { pressedBatches: 1, quietMs: 60_000 },
      });
      await Promise.all(Array.from({ length: 100 }, () => runtime.nop()));
      await runtime.close();
      await runtime.close();
      expect(seen).toEqual([
        ['onering:runtime:open', runtime],
        ['onering:resize', { from: 8, to: 16, reason: 'pressure' }],
        ['onering:runtime:close', runtime],
      ]);
    } finally {
      for (const name of names) unsubscribe(name, note);
    }
  });
});
