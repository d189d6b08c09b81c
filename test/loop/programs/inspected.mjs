/**
 * Waits for the inspector: an open listener and nothing else, until somebody evaluates
 * `finish()` in here. Started with `--inspect`.
 */

import { startLoad } from './load.mjs';

const stop = await startLoad('idle');
globalThis.answer = 42;
globalThis.finish = () => {
  void stop();
  return 'finished';
};
console.log('ready');
