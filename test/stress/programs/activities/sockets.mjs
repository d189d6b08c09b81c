/**
 * Activities of `everything.mjs` on sockets: the drop-in for `net`, Unix streams with leases,
 * splices and files that are sent, web streams, and datagrams.
 *
 * The form of an activity is told in `core.mjs`.
 */

import { once } from 'node:events';
import { join } from 'node:path';
import { abortSoon, aborted, count, expect, folder } from '../stage.mjs';
import { File, TcpListener, TcpStream, UdpSocket, UnixListener, UnixStream } from 'onering';
import { connect, createServer } from 'onering/net';
import { setTimeout as sleep } from 'onering/timers/promises';

const hostname = '127.0.0.1';

/** A server that sends everything back; clients that write, pause, give up. */
export async function dropInSockets(random, left, lane) {
  const server = createServer((socket) => {
    // The other end was given up.
    socket.on('error', () => count('resets'));
    socket.pipe(socket);
  });
  const isUnix = random.below(2) === 0;
  server.listen(isUnix ? { path: join(folder, `net-${lane}`) } : { host: hostname, port: 0 });
  await once(server, 'listening');
  const target = isUnix ? { path: server.address() } : { ...server.address(), host: hostname };
  for (; left > 0; left -= 1) {
    await talk(random, target);
    count('drop-in sockets');
  }
  server.close();
  await once(server, 'close');
}

async function talk(random, target) {
  const socket = connect(target);
  const closed = new Promise((resolve) => {
    socket.once('close', resolve);
  });
  const isGivenUp = random.below(4) === 0;
  const failures = [];
  socket.on('error', (error) => failures.push(error));
  const chunks = [];
  socket.on('data', (chunk) => {
    chunks.push(chunk);
    if (random.below(8) !== 0) return;
    socket.pause();
    setImmediate(() => socket.resume());
  });
  const bytes = random.bytes(1 + random.below(random.below(10) === 0 ? 300_000 : 20_000));
  for (let at = 0; at < bytes.length && !socket.destroyed;) {
    const size = 1 + random.below(30_000);
    if (!socket.write(bytes.subarray(at, at + size))) {
      await Promise.race([once(socket, 'drain').catch(() => null), closed]);
    }
    at += size;
    if (isGivenUp && random.below(2) === 0) socket.destroy();
  }
  if (isGivenUp) socket.destroy();
  else socket.end();
  await closed;
  const answer = Buffer.concat(chunks);
  if (isGivenUp) expect(answer.equals(bytes.subarray(0, answer.length)), 'foreign bytes');
  else expect(answer.equals(bytes), `${answer.length} of ${bytes.length}: ${failures.join()}`);
}

/** Pairs of streams: read and lent in turns, through a splice, from a file. */
export async function streams(random, left, lane) {
  const path = random.below(2) === 0 ? join(folder, `unix-${lane}`) : `\0${folder}-${lane}`;
  const unix = await UnixListener.listen({ path });
  const tcp = await TcpListener.listen({ hostname, port: 0 });
  const filePath = join(folder, `sent-${lane}`);
  const content = random.bytes(100_000);
  await File.writeWhole(filePath, content);
  const file = await File.open(filePath);
  const pairs = {
    unix: async () => ({ client: await UnixStream.connect({ path }), server: await unix.accept() }),
    tcp: async () => {
      const { port } = tcp.address();
      return { client: await TcpStream.connect({ hostname, port }), server: await tcp.accept() };
    },
  };
  const pair = () => (random.below(2) === 0 ? pairs.unix() : pairs.tcp());
  const ways = [leased, spliced, sent, piped, givenUp];
  for (; left > 0; left -= 1) {
    const way = ways[random.below(ways.length)];
    await way({ random, pair, file, content });
    count(`streams: ${way.name}`);
  }
  await Promise.all([file.close(), unix.close(), tcp.close()]);
}

async function leased({ random, pair }) {
  const { client, server } = await pair();
  const bytes = random.bytes(1 + random.below(40_000));
  const sending = client.write(bytes).then(() => client.shutdown());
  const got = await collect(server, random);
  expect(got.equals(bytes), `lent ${got.length} of ${bytes.length} bytes`);
  await sending;
  await closeAll(client, server);
}

/** Everything that arrives, by reads and leases in turns, some of them aborted. */
async function collect(stream, random) {
  const parts = [];
  const held = [];
  for (;;) {
    const signal = random.below(5) === 0 ? abortSoon(random) : undefined;
    const isLease = random.below(2) === 0;
    let part;
    try {
      part = await (isLease ? stream.lease({ signal }) : stream.read({ signal }));
    } catch (error) {
      aborted(error);
      count('aborted receives');
      continue;
    }
    if (part === null) break;
    if (!isLease) parts.push(part);
    else {
      parts.push(Buffer.from(part.bytes));
      held.push(part);
    }
    while (held.length > random.below(7)) held.shift().release();
  }
  for (const lease of held) lease.release();
  return Buffer.concat(parts);
}

/** client -> front -> back -> end, and the end's answer the same way back. */
async function spliced({ random, pair }) {
  const front = await pair();
  const back = await pair();
  const there = front.server.splice(back.client);
  const here = back.client.splice(front.server);
  const bytes = random.bytes(1 + random.below(random.below(5) === 0 ? 600_000 : 20_000));
  const echo = echoAll(back.server);
  const sending = front.client.write(bytes).then(() => front.client.shutdown());
  const got = await collect(front.client, random);
  expect(got.equals(bytes), `spliced ${got.length} of ${bytes.length} bytes`);
  const moved = await Promise.all([there, here]);
  expect(
    moved.every((size) => size === bytes.length),
    `spliced ${moved.join()} of ${bytes.length}`,
  );
  await Promise.all([sending, echo]);
  await closeAll(front.client, front.server, back.client);
}

async function echoAll(stream) {
  for await (const chunk of stream) await stream.write(chunk);
  await stream.close();
}

async function sent({ random, pair, file, content }) {
  const { client, server } = await pair();
  const offset = random.below(content.length);
  const length = random.below(content.length);
  const expected = content.subarray(offset, offset + length);
  const sending = client.sendFile(file, { offset, length }).then(async (size) => {
    expect(size === expected.length, `sent ${size} of ${expected.length} bytes`);
    await client.shutdown();
  });
  const got = await collect(server, random);
  expect(got.equals(expected), `${got.length} of ${expected.length} bytes of a file`);
  await sending;
  await closeAll(client, server);
}

async function piped({ random, pair }) {
  const { client, server } = await pair();
  const echo = server.readable.pipeTo(server.writable);
  const bytes = random.bytes(1 + random.below(20_000));
  const sending = client.write(bytes).then(() => client.shutdown());
  const got = await collect(client, random);
  expect(got.equals(bytes), `piped ${got.length} of ${bytes.length} bytes`);
  await Promise.all([sending, echo]);
  await closeAll(client, server);
}

/** Splices, files and leases that end in the middle: by an abort, by either end. */
async function givenUp({ random, pair, file }) {
  const front = await pair();
  const back = await pair();
  const signal = random.below(2) === 0 ? abortSoon(random) : undefined;
  const moving = [
    front.server.splice(back.client, { signal }),
    back.server.sendFile(file, { signal }),
    front.client.write(random.bytes(200_000)),
    back.client.lease().then((lease) => lease?.release()),
  ];
  const settled = Promise.allSettled(moving);
  const all = [front.client, front.server, back.client, back.server];
  await sleep(random.below(10) / 10);
  const first = all[random.below(4)];
  await (random.below(2) === 0 ? first.destroy() : first.close());
  await Promise.all(all.map((stream) => stream.destroy()));
  await settled;
}

async function closeAll(...open) {
  await Promise.all(open.map((stream) => stream.close()));
}

/** Datagrams there and back, few enough at a time that the kernel has no reason to drop one. */
export async function datagrams(random, left) {
  while (left > 0) {
    const gro = random.below(2) === 0;
    const server = await UdpSocket.bind({ hostname, gro });
    const client = await UdpSocket.bind({ hostname, gro });
    const isConnected = random.below(2) === 0;
    const answers = Array.from({ length: 1 + random.below(10) }, () => 0);
    if (isConnected) await client.connect(server.address());
    const to = isConnected ? undefined : server.address();
    const pieces = answers.map(() => random.bytes(1 + random.below(1000)));
    await Promise.all(pieces.map((piece) => client.send(piece, to)));
    for (const piece of pieces) {
      const { data, sender } = await next(server, random);
      expect(data.equals(piece), `a datagram of ${data.length} and not ${piece.length} bytes`);
      expect(server.post(data, sender), 'too much is queued');
    }
    for (const piece of pieces) {
      const { data } = await next(client, random);
      expect(data.equals(piece), 'another answer');
    }
    if (!isConnected) await segments(random, client, server);
    // What is in flight when a socket closes is nobody's.
    const late = client.send('late', isConnected ? undefined : server.address());
    const waiting = server.receive({ signal: abortSoon(random) }).catch(aborted);
    const closing = Promise.all([server.close(), client.close()]);
    await Promise.allSettled([late, waiting, closing]);
    await closing;
    left -= 1;
    count('datagrams');
  }
}

async function segments(random, client, server) {
  const segmentSize = 100 + random.below(900);
  const bytes = random.bytes(1 + random.below(20 * segmentSize));
  await client.send(bytes, { ...server.address(), segmentSize });
  const parts = [];
  for (let size = 0; size < bytes.length; size += parts.at(-1).length) {
    parts.push((await next(server, random)).data);
  }
  expect(Buffer.concat(parts).equals(bytes), 'other segments');
}

async function next(socket, random) {
  for (;;) {
    const signal = random.below(4) === 0 ? abortSoon(random) : undefined;
    const datagram = await socket.receive({ signal }).catch(aborted);
    if (datagram !== null) return datagram;
    expect(!socket.isClosed, 'a socket closed');
  }
}
