/**
 * Throws in the place that the first argument names. With `handled` as the second argument there
 * is an `uncaughtException` handler, and the loop must go on: reports what the handler saw and
 * what worked afterwards. Without it the process must die of the error.
 */

import { connect as connectNode } from 'node:net';
import { Runtime, TcpListener, TcpStream } from 'onering';
import { openEcho, report } from './load.mjs';

const ring = new Runtime({ entries: 64, completionEntries: 64 });
const [place, mode] = process.argv.slice(2);
const caught = [];
const thrown = new Promise((resolve) => {
  if (mode !== 'handled') return;
  process.on('uncaughtException', (error, origin) => {
    caught.push([error.message, origin]);
    resolve();
  });
});

const places = {
  callback: () => ring.nop(thrower),

  /** Three of one batch throw; the fourth is called all the same. */
  async batch() {
    let calls = 0;
    for (let n = 0; n < 3; n += 1) ring.nop(thrower);
    await new Promise((resolve) => {
      ring.nop(() => {
        calls += 1;
        resolve();
      });
    });
    for (let n = 0; n < 100 && caught.length < 3; n += 1) await ring.nop();
    caught.push([`calls ${calls}`, '']);
  },

  tick: () => ring.nop(() => process.nextTick(thrower)),
  microtask: () => ring.nop(() => queueMicrotask(thrower)),
  open: () => withSocket({ open: thrower, data() {} }),
  data: () => withSocket({ data: thrower }),
  close: () => withSocket({ data: (socket) => socket.end(), close: thrower }),
  error: () => withSocket({ data() {}, error: thrower }, reset),
  dataTick: () => withSocket({ data: () => process.nextTick(thrower) }),
  timer: () => void setTimeout(thrower, 2),
  immediate: () => void setImmediate(thrower),

  /** The queue is small, so that a burst makes it grow. */
  async resize() {
    ring.on('resize', () => {
      if (ring.metrics().resizesGrown === 1) thrower();
    });
    ring.on('failure', (error) => caught.push([`failure ${error.message}`, '']));
    while (ring.metrics().resizesGrown === 0) {
      await Promise.all(Array.from({ length: 1000 }, () => ring.nop()));
    }
  },
};

const keep = await openEcho();
await places[place]();
await thrown;
await goOn();
report({ caught });

function thrower() {
  throw new Error('thrown on purpose');
}

/** The ring, Node's timers and Node's sockets still work. */
async function goOn() {
  for (let n = 0; n < 100; n += 1) await ring.nop();
  await new Promise((resolve) => setTimeout(resolve, 2));
  const stream = await keep.connect();
  await stream.write('still here');
  caught.push([String(await stream.read()), '']);
  await stream.close();
  await keep.listener.close();
}

async function withSocket(socket, provoke = sayHello) {
  const listener = await TcpListener.listen({ hostname: '127.0.0.1', port: 0, socket });
  await provoke(listener.address().port);
  await thrown;
  await listener.close();
}

async function sayHello(port) {
  const stream = await TcpStream.connect({ hostname: '127.0.0.1', port });
  await stream.write('hello');
  await thrown;
  await stream.close();
}

/** A peer that resets the connection, by way of Node. */
async function reset(port) {
  const socket = connectNode(port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  // Accepted for sure before it is reset.
  await new Promise((resolve) => setTimeout(resolve, 10));
  socket.resetAndDestroy();
  await thrown;
}
