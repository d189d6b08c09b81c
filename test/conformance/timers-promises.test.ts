/**
 * The behavior suite of `timers/promises`, against Node and against the package: on the ring where
 * there is one, and on Node's own loop.
 */

import * as node from 'node:timers/promises';
import { Runtime } from 'onering';
import * as ours from 'onering/timers/promises';
import { describeTimersPromises } from './timers-promises.ts';
import type { TimersPromisesImplementation } from './timers-promises.ts';

function onBackend(backend: 'auto' | 'libuv'): TimersPromisesImplementation {
  const runtime = new Runtime({ backend });
  return {
    module: ours,
    specifier: 'onering/timers/promises',
    env: { ONERING_BACKEND: backend },
    close: () => runtime.close(),
  };
}

describeTimersPromises('node:timers/promises', () => ({
  module: node,
  specifier: 'node:timers/promises',
}));
describeTimersPromises('onering/timers/promises', () => onBackend('auto'));
describeTimersPromises('onering/timers/promises without a ring', () => onBackend('libuv'));
