/**
 * What a runtime reports while it runs: events for the program that holds it, and the same on
 * `diagnostics_channel` for tools that do not.
 */

import { channel } from 'node:diagnostics_channel';
import type { Channel } from 'node:diagnostics_channel';
import type { ResizeEvent } from './pressure.ts';

/** Events of a `Runtime` and what their listeners receive. */
export interface RuntimeEvents {
  /** The completion queue was resized. */
  resize: [event: ResizeEvent];
  /** The ring broke and every operation in flight was rejected with this error. */
  failure: [error: Error];
  /** Everything is released. */
  close: [];
}

/** Topics: `onering:runtime:open`, `onering:runtime:close`, `onering:resize`, `onering:failure`. */
export const channels: {
  readonly open: Channel;
  readonly close: Channel;
  readonly resize: Channel;
  readonly failure: Channel;
} = {
  open: channel('onering:runtime:open'),
  close: channel('onering:runtime:close'),
  resize: channel('onering:resize'),
  failure: channel('onering:failure'),
};
