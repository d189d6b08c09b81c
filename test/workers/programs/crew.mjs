/**
 * A worker that keeps its ring busy with one of several sets of work. `transfers`: a TCP echo,
 * timers, 4 MiB reads and writes in kernel workers, O_DIRECT reads. `arrivals`: connections and
 * files that are opened and closed all the time. `dropIns`: the same kinds of work through
 * `fs/promises` and `net`, with datagrams, files that are sent, and memory of the runtime.
 * `dropInArrivals`: whole files and connections of the drop-ins.
 *
 * It tells its parent when all of that runs, and goes on until it is terminated or told to end:
 * `exit` is `process.exit()` in the middle of it, `end` closes everything in order.
 */

/* oxlint-disable unicorn/require-post-message-target-origin -- Workers have no origin. */

import { once } from 'node:events';
import { constants } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { File, runtime, TcpListener, TcpStream, UdpSocket } from 'onering';
import * as fs from 'onering/fs/promises';
import { connect, createServer } from 'onering/net';
import { setTimeout as sleep } from 'onering/timers/promises';

const { id, folder, set } = workerData;
const BLOCK_SIZE = 4 * 1024 * 1024;
const source = `${folder}/source`;
const target = `${folder}/target-${id}`;

const ring = runtime();
if (ring.backend !== process.env.ONERING_BACKEND) throw ring.reason;
const state = { isStopped: false };
/** Activities that have done their work once. */
const started = new Set();
const sets = {
  transfers: { echo, timers, read, write, direct },
  arrivals: { churn, open, timers },
  dropIns: { netEcho, handleRead, handleWrite, datagrams, send, lent, timers },
  dropInArrivals: { netChurn, whole, timers },
};
const activities = sets[set];

const listener = await TcpListener.listen({
  hostname: '127.0.0.1',
  port: 0,
  socket: { data: (socket, chunk) => void socket.write(chunk) },
});
const address = { hostname: '127.0.0.1', port: listener.address().port };

parentPort.once('message', (message) => {
  if (message === 'exit') ring.nop(() => process.exit(0));
  state.isStopped = true;
});
const running = Object.entries(activities).map(([name, run]) => repeat(name, run));
await Promise.all(running);
await listener.close();
parentPort.close();

async function repeat(name, run) {
  const activity = await run();
  while (!state.isStopped) {
    await activity.step();
    if (started.has(name)) continue;
    started.add(name);
    if (started.size === Object.keys(activities).length) parentPort.postMessage('busy');
  }
  await activity.end?.();
}

async function echo() {
  const stream = await TcpStream.connect(address);
  const message = Buffer.alloc(512, id);
  return {
    async step() {
      await stream.write(message);
      for (let left = message.length; left > 0; left -= (await stream.read()).length);
    },
    end: () => stream.close(),
  };
}

async function churn() {
  return {
    async step() {
      const stream = await TcpStream.connect(address);
      await stream.write('x');
      await stream.close();
    },
  };
}

async function timers() {
  return { step: () => sleep(0.2) };
}

async function read() {
  const file = await File.open(source);
  const buffers = [Buffer.alloc(BLOCK_SIZE), Buffer.alloc(BLOCK_SIZE)];
  return {
    async step() {
      await Promise.all(buffers.map((buffer, at) => file.read(buffer, { position: at * 4096 })));
      for (const buffer of buffers) check(buffer);
    },
    end: () => file.close(),
  };
}

async function write() {
  const file = await File.open(target, 'w');
  const buffers = [Buffer.alloc(BLOCK_SIZE, id), Buffer.alloc(BLOCK_SIZE, id)];
  return {
    async step() {
      await Promise.all(
        buffers.map((buffer, at) => file.write(buffer, { position: at * BLOCK_SIZE })),
      );
    },
    end: () => file.close(),
  };
}

/** Where the file system has it. In a worker data goes through mapped memory, which is aligned. */
async function direct() {
  const buffer = Buffer.alloc(BLOCK_SIZE);
  const file = await openDirect(buffer);
  if (file === undefined) return { step: () => sleep(1) };
  parentPort.postMessage('direct');
  return {
    async step() {
      await file.read(buffer, { position: 0 });
      check(buffer);
    },
    end: () => file.close(),
  };
}

async function openDirect(buffer) {
  let file;
  try {
    file = await File.open(source, constants.O_RDONLY | constants.O_DIRECT);
    await file.read(buffer, { position: 0 });
    return file;
  } catch (error) {
    // A file system in memory, or memory of V8's that is not aligned, on libuv.
    if (error.code !== 'EINVAL') throw error;
    await file?.close();
    return undefined;
  }
}

async function open() {
  return {
    async step() {
      const file = await File.open(source);
      await file.close();
    },
  };
}

async function netEcho() {
  const { server, socket } = await netPair();
  const message = Buffer.alloc(2048, id);
  let left = 0;
  let resolve = null;
  socket.on('data', (chunk) => {
    left -= chunk.length;
    if (left === 0) resolve();
  });
  return {
    step: () =>
      new Promise((arrived) => {
        left = message.length;
        resolve = arrived;
        socket.write(message);
      }),
    async end() {
      socket.end();
      await once(socket, 'close');
      await closed(server);
    },
  };
}

async function netPair() {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect(server.address().port, '127.0.0.1');
  await once(socket, 'connect');
  return { server, socket };
}

function closed(server) {
  return new Promise((resolve) => {
    server.close(resolve);
  });
}

async function netChurn() {
  const server = createServer((socket) => socket.end('x')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    async step() {
      const socket = connect(server.address().port, '127.0.0.1').resume();
      await once(socket, 'close');
    },
    end: () => closed(server),
  };
}

async function handleRead() {
  const handle = await fs.open(source);
  const buffer = Buffer.alloc(BLOCK_SIZE);
  const list = [Buffer.alloc(10_000), Buffer.alloc(BLOCK_SIZE)];
  return {
    async step() {
      await Promise.all([handle.read(buffer, 0, BLOCK_SIZE, 4096), handle.readv(list, 0)]);
      check(buffer);
      check(list[1]);
    },
    end: () => handle.close(),
  };
}

async function handleWrite() {
  const handle = await fs.open(target, 'w');
  const buffer = Buffer.alloc(BLOCK_SIZE, id);
  return {
    async step() {
      await Promise.all([
        handle.write(buffer, 0, BLOCK_SIZE, 0),
        handle.writev([buffer.subarray(0, 10_000), buffer], BLOCK_SIZE),
        handle.datasync(),
      ]);
    },
    end: () => handle.close(),
  };
}

async function datagrams() {
  const server = await UdpSocket.bind({ hostname: '127.0.0.1' });
  const client = await UdpSocket.bind({ hostname: '127.0.0.1' });
  const message = Buffer.alloc(9000, id);
  return {
    async step() {
      await client.send(message, server.address());
      const { data, sender } = await server.receive();
      await server.send(data, sender);
      await client.receive();
    },
    end: () => Promise.all([server.close(), client.close()]),
  };
}

async function send() {
  const accepting = await TcpListener.listen({ hostname: '127.0.0.1', port: 0 });
  const { port } = accepting.address();
  const client = await TcpStream.connect({ hostname: '127.0.0.1', port });
  const server = await accepting.accept();
  const file = await File.open(source);
  return {
    async step() {
      const sending = server.sendFile(file, { length: BLOCK_SIZE });
      for (let left = BLOCK_SIZE; left > 0; left -= (await client.read()).length);
      await sending;
    },
    end: () => Promise.all([client, server, accepting, file].map((it) => it.close())),
  };
}

/** A fixed read, where there is a ring: kernel workers copy straight into registered memory. */
async function lent() {
  const file = await File.open(source);
  const buffer = ring.allocate(BLOCK_SIZE);
  return {
    async step() {
      await file.read(buffer, { position: 0 });
      check(buffer);
    },
    async end() {
      await file.close();
      ring.release(buffer);
    },
  };
}

async function whole() {
  const path = `${target}-whole`;
  return {
    async step() {
      await fs.writeFile(path, Buffer.alloc(300_000, id));
      const content = await fs.readFile(path);
      if (content.some((byte) => byte !== id)) throw new Error('A file holds foreign bytes');
    },
    end: () => fs.unlink(path),
  };
}

/** The source file is the same byte all over. */
function check(buffer) {
  if (buffer[0] !== 0xa5 || buffer[BLOCK_SIZE - 1] !== 0xa5) {
    throw new Error(`Read ${buffer[0]} and ${buffer[BLOCK_SIZE - 1]}`);
  }
}
