/**
 * What the runtime is doing while a program looks at Node: loops of NOPs, a TCP echo at full
 * speed, or nothing but an open listener and an idle connection, so that the ring sleeps.
 *
 * Every load ends by `stop()`, which leaves nothing open.
 */

import { runtime, TcpListener, TcpStream } from 'onering';

const NOP_DEPTH = 64;
/** More than there are entries in the submission queue. */
const NOP_DEPTH_LARGE = 4096;
const ECHO_CONNECTIONS = 8;

const loads = {
  none: () => async () => {},
  idle: idleLoad,
  nop: () => nopLoad(NOP_DEPTH),
  deep: () => nopLoad(NOP_DEPTH_LARGE),
  callbacks: callbackLoad,
  echo: echoLoad,
};

/** Starts the load of that name and returns what ends it. */
export async function startLoad(kind) {
  return await loads[kind]();
}

/** Prints what a program found out. */
export function report(findings) {
  console.log(JSON.stringify(findings));
}

/** Occupies the thread, without giving V8 or libuv anything to do meanwhile. */
export function block(durationMs) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

function nopLoad(depth) {
  const ring = runtime();
  const state = { isStopped: false };
  const loop = async () => {
    while (!state.isStopped) await ring.nop();
  };
  const loops = Array.from({ length: depth }, loop);
  return async () => {
    state.isStopped = true;
    await Promise.all(loops);
  };
}

/** Each callback begins the next operation. */
async function callbackLoad() {
  const ring = runtime();
  let left = NOP_DEPTH_LARGE;
  let isStopped = false;
  let resolveIdle;
  const again = () => {
    if (!isStopped) ring.nop(again);
    else if (--left === 0) resolveIdle();
  };
  for (let n = 0; n < NOP_DEPTH_LARGE; n += 1) ring.nop(again);
  return () => {
    isStopped = true;
    return new Promise((resolve) => {
      resolveIdle = resolve;
    });
  };
}

async function echoLoad() {
  const { listener, connect } = await openEcho();
  const state = { isStopped: false };
  const message = Buffer.alloc(64, 7);
  const ping = async () => {
    const stream = await connect();
    while (!state.isStopped) {
      await stream.write(message);
      for (let left = message.length; left > 0; left -= (await stream.read()).length);
    }
    await stream.close();
  };
  const pings = Array.from({ length: ECHO_CONNECTIONS }, ping);
  return async () => {
    state.isStopped = true;
    await Promise.all(pings);
    await listener.close();
  };
}

async function idleLoad() {
  const { listener, connect } = await openEcho();
  const stream = await connect();
  await stream.write('x');
  await stream.read();
  return async () => {
    await stream.close();
    await listener.close();
  };
}

/** A listener in callback form that sends everything back. */
export async function openEcho() {
  const listener = await TcpListener.listen({
    hostname: '127.0.0.1',
    port: 0,
    socket: { data: (socket, chunk) => void socket.write(chunk) },
  });
  const { port } = listener.address();
  const connect = () => TcpStream.connect({ hostname: '127.0.0.1', port });
  return { listener, connect };
}
