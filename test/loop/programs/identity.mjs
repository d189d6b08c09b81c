/**
 * One runtime a thread, however it is asked for: by `import`, by `require` where Node can, by a
 * second package that depends on the same copy; and an error where a second one is asked for.
 */

import { strictEqual, throws, notStrictEqual } from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Runtime, runtime } from 'onering';
import { report } from './load.mjs';

const require = createRequire(import.meta.url);
const first = runtime();
strictEqual(runtime(), first);
strictEqual((await import('onering')).runtime(), first);
strictEqual(require('onering').runtime(), first);
if (process.argv[2] !== undefined) {
  const other = await import(process.argv[2]);
  strictEqual(other.runtime(), first);
}

throws(() => new Runtime(), { code: 'ERR_RUNTIME_OPEN' });
throws(() => new Runtime({ entries: 8 }), { code: 'ERR_RUNTIME_OPEN' });
strictEqual(await first.nop(), 0);

await first.close();
strictEqual(first.isClosed, true);
await first.nop().then(
  () => strictEqual('resolved', 'rejected'),
  ({ code }) => strictEqual(code, 'ERR_RUNTIME_CLOSED'),
);
throws(() => first.nop(() => {}), { code: 'ERR_RUNTIME_CLOSED' });

throws(() => new Runtime({ entries: -1 }), { code: 'ERR_OUT_OF_RANGE' });
throws(() => new Runtime({ entires: 8 }), { code: 'ERR_INVALID_ARG_VALUE' });
const second = new Runtime({ entries: 8 });
strictEqual(runtime(), second);
strictEqual(await second.nop(), 0);
const closing = second.close();
strictEqual(second.close(), closing);
await closing;
notStrictEqual(runtime(), second);
strictEqual(await runtime().nop(), 0);
report({ backend: first.backend });
