/**
 * In which order things run around completions of the ring. Reports one list of names a case.
 */

import { runtime, TcpListener, TcpStream } from 'onering';
import { report } from './load.mjs';

const ring = runtime();
await ring.nop();

report({
  insideCallback: await insideCallback(),
  afterAwait: await afterAwait(),
  nestedTicks: await nestedTicks(),
  betweenSockets: await betweenSockets(),
  immediateDuringLoop: await immediateDuringLoop(),
});

/** An immediate comes before a timer of no delay, as in any callback of an I/O event. */
function insideCallback() {
  return new Promise((resolve) => {
    const seen = [];
    ring.nop(() => {
      setTimeout(() => {
        seen.push('timeout');
        resolve(seen);
      }, 0);
      setImmediate(() => seen.push('immediate'));
      queueMicrotask(() => seen.push('microtask'));
      process.nextTick(() => seen.push('tick'));
      seen.push('callback');
    });
  });
}

async function afterAwait() {
  const seen = [];
  await ring.nop();
  const done = new Promise((resolve) => {
    setImmediate(() => {
      seen.push('immediate');
      resolve();
    });
  });
  process.nextTick(() => seen.push('tick'));
  queueMicrotask(() => seen.push('microtask'));
  seen.push('sync');
  await done;
  return seen;
}

async function nestedTicks() {
  const seen = [];
  await new Promise((resolve) => {
    ring.nop(() => {
      process.nextTick(() => {
        seen.push('tick 1');
        queueMicrotask(() => {
          seen.push('microtask 1');
          process.nextTick(() => {
            seen.push('tick 2');
            setImmediate(resolve);
          });
        });
      });
    });
  });
  return seen;
}

/** Two sockets receive in one batch: the ticks of the first come before the second's callback. */
async function betweenSockets() {
  const seen = [];
  let open = 0;
  const ready = withResolvers();
  const all = withResolvers();
  const listener = await TcpListener.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      open() {
        open += 1;
        if (open === 2) ready.resolve();
      },
      data() {
        seen.push('data');
        process.nextTick(() => seen.push('tick'));
        queueMicrotask(() => {
          seen.push('microtask');
          if (seen.length === 6) all.resolve();
        });
      },
    },
  });
  const { port } = listener.address();
  const connect = () => TcpStream.connect({ hostname: '127.0.0.1', port });
  const clients = [await connect(), await connect()];
  await ready.promise;
  // Both receives are with the kernel now.
  await new Promise((resolve) => setTimeout(resolve, 5));
  await Promise.all(clients.map((client) => client.write('x')));
  await all.promise;
  await Promise.all(clients.map((client) => client.close()));
  await listener.close();
  return seen;
}

/** How many completions of a NOP loop an immediate had to wait for, at most. */
async function immediateDuringLoop() {
  let completions = 0;
  let isStopped = false;
  const again = () => {
    completions += 1;
    if (!isStopped) ring.nop(again);
  };
  again();
  let waitedMax = 0;
  for (let round = 0; round < 20; round += 1) {
    const before = completions;
    await new Promise((resolve) => setImmediate(resolve));
    waitedMax = Math.max(waitedMax, completions - before);
  }
  isStopped = true;
  return waitedMax;
}

function withResolvers() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}
