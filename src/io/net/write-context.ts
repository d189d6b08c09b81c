/**
 * The async context of a write: its callback belongs to whoever writes, not to the socket.
 *
 * Hot path: one resource and one closure for each write that has a callback, and none for others.
 */

import { AsyncResource } from 'node:async_hooks';

type Callback = (error?: Error | null) => void;

/** `AsyncResource.bind` does the same, and defines properties on a new function each time. */
export function inOwnContext(callback: Callback): Callback {
  const resource = new AsyncResource('WRITEWRAP', { requireManualDestroy: true });
  return (error) => {
    resource.runInAsyncScope(callback, undefined, error);
    resource.emitDestroy();
  };
}
