/**
 * A write's callback runs in the context of whoever wrote, with what it is called with.
 */

import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { inOwnContext } from '../../../src/io/net/write-context.ts';

describe('inOwnContext', () => {
  it('keeps the context of the write for its callback', () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const done = storage.run('writer', () =>
      inOwnContext((error) => seen.push(storage.getStore(), error)),
    );
    const error = new Error('late');
    storage.run('kernel', () => done(error));
    expect(seen).toEqual(['writer', error]);
  });

  it('is a resource that ends with the callback', async () => {
    const events: string[] = [];
    const ids = new Set<number>();
    const hook = createHook({
      init: (id, type) => void (type === 'WRITEWRAP' && ids.add(id) && events.push('init')),
      destroy: (id) => void (ids.has(id) && events.push('destroy')),
    }).enable();
    inOwnContext(() => void events.push('callback'))(null);
    await new Promise((resolve) => setImmediate(resolve));
    hook.disable();
    expect(events).toEqual(['init', 'callback', 'destroy']);
  });
});
