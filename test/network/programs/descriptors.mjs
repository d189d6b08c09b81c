/**
 * A server whose descriptors run out while clients come, of each kind of ours and on each backend:
 * it goes on when there are some again, and does not spin meanwhile.
 *
 *   1 all but a few descriptors are forbidden (prlimit), then the server listens
 *   2 a child connects CLIENTS times, and each connection says hello
 *   3 it is short: nothing fails, the processor rests; connecting and listening fail with EMFILE
 *   4 the child ends half of its connections: as many as were waiting are served
 *   5 the limit is lifted: everybody who still waits is served, and so are new ones
 *
 * Argument: `net` or `listener`. As `client PORT PARENT` it is the child.
 */

import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect as nodeConnect, createServer as nodeServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Runtime, TcpListener, TcpStream, UdpSocket, UnixListener, UnixStream } from 'onering';
import * as net from 'onering/net';

const CLIENTS = 24;
const SPARE = 10;
const QUIET_MS = 500;
const [role, ...rest] = process.argv.slice(2);

if (role === 'client') client(...rest.map(Number));
else console.log(JSON.stringify(await serve(role)));

/** Does what its parent asks, and tells what all of its connections have heard. */
function client(port, parent) {
  const sockets = [];
  const heard = { hello: 0, gone: 0 };
  process.on('message', ({ limit, clients = 0, end = 0 }) => {
    if (limit !== undefined) execFileSync('prlimit', ['--pid', parent, `--nofile=${limit}:`]);
    for (let n = 0; n < clients; n += 1) {
      const socket = nodeConnect(port, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => {});
      socket.on('data', () => (heard.hello += 1));
      socket.on('close', () => (heard.gone += 1));
    }
    for (const socket of sockets.splice(0, end)) socket.destroy();
    process.send(heard);
  });
  process.on('disconnect', () => process.exit());
}

async function serve(kind) {
  // What Node opens once is open before anything is counted.
  process.stderr.write('');
  const ring = new Runtime();
  const port = await freePort();
  const child = fork(process.argv[1], ['client', port, process.pid]);
  const ask = async (what) => {
    child.send(what);
    return (await once(child, 'message'))[0];
  };
  await ask({});
  await ask({ limit: readdirSync('/proc/self/fd').length + SPARE });
  const problems = [];
  const server = kind === 'net' ? await netServer(port, problems) : await listener(port, problems);
  const isOnRing = ring.backend === 'uring';
  const heard = async () => {
    const { hello, gone } = await ask({});
    return hello + gone;
  };
  await ask({ clients: CLIENTS });
  // The ring leaves who waits in the backlog; Node drops them.
  await until(async () => (await heard()) >= (isOnRing ? SPARE : CLIENTS));
  const before = { accepted: server.accepted(), ...(await ask({})) };
  const cpu = process.cpuUsage();
  await sleep(QUIET_MS);
  const { user, system } = process.cpuUsage(cpu);
  const failures = await shortages(port);
  await ask({ end: CLIENTS / 2 });
  if (isOnRing) await until(() => server.accepted() >= before.accepted + SPARE);
  const halfway = { accepted: server.accepted() };
  await ask({ limit: 4096 });
  await ask({ clients: 1 });
  const expected = isOnRing ? CLIENTS : before.accepted;
  await until(() => server.accepted() > expected);
  const after = { accepted: server.accepted() };
  child.disconnect();
  await server.close();
  await ring.close();
  const busy = (user + system) / 1000 / QUIET_MS;
  return { spare: SPARE, clients: CLIENTS, before, busy, failures, halfway, after, problems };
}

async function freePort() {
  const server = nodeServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function netServer(port, problems) {
  const sockets = new Set();
  let accepted = 0;
  const server = net.createServer((socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.resume().write('hello');
  });
  server.on('error', (error) => problems.push(String(error)));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return { accepted: () => accepted, close };
}

async function listener(port, problems) {
  const sockets = new Set();
  let accepted = 0;
  const server = await TcpListener.listen({
    hostname: '127.0.0.1',
    port,
    socket: {
      open(socket) {
        accepted += 1;
        sockets.add(socket);
        socket.write('hello');
      },
      data: () => {},
      error: (_socket, error) => error.code === 'ECONNRESET' || problems.push(String(error)),
      close: (socket) => sockets.delete(socket),
    },
  });
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    await server.close();
  };
  return { accepted: () => accepted, close };
}

/** Whoever runs this program ends it when that takes too long. */
async function until(isDone) {
  while (!(await isDone())) await sleep(5);
}

/** What everything that makes a descriptor says when there is none. */
async function shortages(port) {
  const held = [];
  for (;;) {
    const socket = await UdpSocket.bind().catch(() => null);
    if (socket === null) break;
    held.push(socket);
  }
  const codeOf = ({ code, syscall, message }) => ({ code, syscall, message });
  const failure = (promise) => promise.then(() => 'none', codeOf);
  const event = (emitter) =>
    new Promise((resolve) => emitter.on('error', (error) => resolve(codeOf(error))));
  const path = `\0onering-descriptors-${process.pid}`;
  const found = {
    connect: await event(net.connect(port, '127.0.0.1')),
    connectPath: await event(net.connect(path)),
    listen: await event(net.createServer().listen(0, '127.0.0.1')),
    listenPath: await event(net.createServer().listen({ path })),
    stream: await failure(TcpStream.connect({ hostname: '127.0.0.1', port })),
    listener: await failure(TcpListener.listen({ hostname: '127.0.0.1', port: 0 })),
    unix: await failure(UnixStream.connect({ path })),
    unixListener: await failure(UnixListener.listen({ path })),
    datagrams: await failure(UdpSocket.bind({ hostname: '127.0.0.1' })),
  };
  await Promise.all(held.map((socket) => socket.close()));
  return found;
}
