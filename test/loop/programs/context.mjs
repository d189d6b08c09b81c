/**
 * `AsyncLocalStorage` through everything that is awaited and every event. Reports the places where
 * a store was not the expected one.
 */

import { AsyncLocalStorage, AsyncResource, executionAsyncId } from 'node:async_hooks';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { File, runtime, TcpListener, TcpStream } from 'onering';
import { setImmediate as ringImmediate, setTimeout as ringTimeout } from 'onering/timers/promises';
import { openEcho, report } from './load.mjs';

const ring = runtime();
const storage = new AsyncLocalStorage();
const wrong = [];
const checks = new Set();
const folder = mkdtempSync(join(tmpdir(), 'onering-context-'));
writeFileSync(join(folder, 'file'), 'content');

const { listener, connect } = await openEcho();
const parts = { paths, throws: afterThrow };
await parts[process.argv[2]]();
await listener.close();
rmSync(folder, { recursive: true });
report({ wrong, checks: [...checks] });

function check(where, expected) {
  checks.add(where);
  const actual = storage.getStore();
  if (actual !== expected) wrong.push(`${where}: ${String(actual)} instead of ${String(expected)}`);
}

async function paths() {
  await Promise.all(Array.from({ length: 8 }, (_, id) => storage.run(id, () => everyAwait(id))));
  await Promise.all([1, 2].map((id) => storage.run(id, () => everyEvent(id))));
  await outside();
}

async function everyAwait(id) {
  await ring.nop();
  check('nop', id);
  const file = await File.open(join(folder, 'file'));
  check('File.open', id);
  await file.read(Buffer.alloc(4), { position: 0 });
  check('File.read', id);
  await file.read(Buffer.alloc(4), { position: 0, signal: new AbortController().signal });
  check('File.read with a signal', id);
  await file.stat();
  check('File.stat', id);
  await file.close();
  check('File.close', id);
  const stream = await connect();
  check('TcpStream.connect', id);
  await stream.write('x');
  check('TcpStream.write', id);
  await stream.read();
  check('TcpStream.read', id);
  const aborting = new AbortController();
  setImmediate(() => aborting.abort());
  await stream.read({ signal: aborting.signal }).catch(() => check('aborted read', id));
  await stream.close();
  check('TcpStream.close', id);
  await ringTimeout(1);
  check('timers/promises setTimeout', id);
  await ringImmediate();
  check('timers/promises setImmediate', id);
  await new Promise((resolve) => setTimeout(resolve, 1));
  check('setTimeout', id);
  await new Promise((resolve) => process.nextTick(resolve));
  check('nextTick', id);
  await new Promise((resolve) => {
    ring.nop(
      AsyncResource.bind(() => {
        check('bound nop callback', id);
        resolve();
      }),
    );
  });
}

/** Callbacks of a listener run in the context in which it was made. */
async function everyEvent(id) {
  const closed = new Promise((resolve) => {
    const socket = {
      open: () => check('open', id),
      data(connection) {
        check('data', id);
        queueMicrotask(() => check('microtask of data', id));
        process.nextTick(() => check('tick of data', id));
        setImmediate(() => check('immediate of data', id));
        // More than the high-water mark, so that there is something to drain.
        connection.write(Buffer.alloc(256 * 1024));
      },
      drain(connection) {
        check('drain', id);
        connection.end();
      },
      close() {
        check('close', id);
        resolve();
      },
    };
    void TcpListener.listen({ hostname: '127.0.0.1', port: 0, socket }).then(async (made) => {
      const { port } = made.address();
      await storage.run('client', async () => {
        const stream = await TcpStream.connect({ hostname: '127.0.0.1', port });
        await stream.write('x');
        check('client', 'client');
        let bytes = 0;
        for await (const chunk of stream) {
          check('iteration', 'client');
          bytes += chunk.length;
        }
        if (bytes !== 256 * 1024) wrong.push(`${bytes} bytes`);
        await stream.close();
      });
      await made.close();
    });
  });
  await closed;
  check('after events', id);
}

/** Whoever began nothing in a context gets none: no store of somebody else's. */
async function outside() {
  const inside = storage.run('inside', () => ring.nop());
  await new Promise((resolve) => {
    ring.nop(() => {
      check('bare nop callback', undefined);
      resolve();
    });
  });
  await inside;
  check('await of an inner promise', undefined);
}

/** A context whose callback threw does not stay for what runs next. */
async function afterThrow() {
  const errors = [];
  process.on('uncaughtException', (error) => errors.push(error));
  const idBefore = await new Promise((resolve) => ring.nop(() => resolve(executionAsyncId())));
  const next = [];
  storage.run('thrower', () => {
    ring.nop(
      AsyncResource.bind(() => {
        process.nextTick(() => {
          throw new Error('from a tick');
        });
      }),
    );
    ring.nop(
      AsyncResource.bind(() => {
        throw new Error('from a callback');
      }),
    );
  });
  const done = new Promise((resolve) => {
    ring.nop(() => next.push(storage.getStore(), executionAsyncId()));
    ring.nop(() => setImmediate(resolve));
  });
  await done;
  await new Promise((resolve) => setImmediate(resolve));
  await ring.nop();
  const later = await new Promise((resolve) => {
    ring.nop(() => resolve([storage.getStore(), executionAsyncId()]));
  });
  check('after a throw', undefined);
  if (next[0] !== undefined) wrong.push(`next callback after a throw: ${String(next[0])}`);
  if (later[0] !== undefined) wrong.push(`later callback after a throw: ${String(later[0])}`);
  if (later[1] !== idBefore && ring.backend === 'uring') {
    wrong.push(`execution id ${later[1]} instead of ${idBefore} after a throw`);
  }
  if (errors.length !== 2) wrong.push(`${errors.length} errors instead of 2`);
}
