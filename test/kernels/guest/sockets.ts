/**
 * TCP on this kernel: echoes in both forms, much data, http over it, refusals, aborts, closing with
 * everything open. Over loopback, on both backends.
 */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { createServer, request } from 'node:http';
import { connect as nodeConnect } from 'node:net';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { runtime, TcpListener, TcpStream, toDuplex } from 'onering';
import { runChecks } from './checks.ts';

const hostname = '127.0.0.1';

async function readFully(stream: TcpStream, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let left = length; left > 0;) {
    const chunk = await stream.read();
    assert.ok(chunk !== null, 'ended early');
    chunks.push(chunk);
    left -= chunk.length;
  }
  return Buffer.concat(chunks);
}

async function echoRounds(port: number, connections: number, rounds: number): Promise<void> {
  await Promise.all(
    Array.from({ length: connections }, async (_, i) => {
      const stream = await TcpStream.connect({ hostname, port });
      for (let round = 0; round < rounds; round += 1) {
        const message = `connection ${i} round ${round} `.repeat(4);
        await stream.write(message);
        assert.equal(String(await readFully(stream, message.length)), message);
      }
      await stream.close();
    }),
  );
}

await runChecks({
  'echoes in callback form': async () => {
    const listener = await TcpListener.listen({
      hostname,
      port: 0,
      socket: { data: (socket, chunk) => void socket.write(chunk) },
    });
    await echoRounds(listener.address().port, 32, 20);
    await listener.close();
  },

  'echoes in promise form': async () => {
    const listener = await TcpListener.listen({ hostname, port: 0 });
    const serving = (async (): Promise<void> => {
      const ends: Promise<void>[] = [];
      for await (const stream of listener) ends.push(serve(stream));
      await Promise.all(ends);
    })();
    await echoRounds(listener.address().port, 16, 10);
    await listener.close();
    await serving;
  },

  'carries 8 MiB both ways at once': async () => {
    const data = randomBytes(8 * 1024 * 1024);
    const listener = await TcpListener.listen({ hostname, port: 0 });
    const { port } = listener.address();
    const [client, server] = await Promise.all([
      TcpStream.connect({ hostname, port }),
      listener.accept(),
    ]);
    const send = async (stream: TcpStream): Promise<void> => {
      for (let at = 0; at < data.length; at += 100_000) {
        await stream.write(data.subarray(at, at + 100_000));
      }
      await stream.shutdown();
    };
    const receive = async (stream: TcpStream): Promise<string> => {
      const hash = createHash('sha256');
      for await (const chunk of stream) hash.update(chunk);
      return hash.digest('hex');
    };
    const sides = [client, server];
    const results = await Promise.all([...sides.map(receive), ...sides.map(send)]);
    const expected = createHash('sha256').update(data).digest('hex');
    assert.deepEqual(results.slice(0, 2), [expected, expected]);
    await Promise.all([client.close(), server.close(), listener.close()]);
  },

  "serves node:http, asked by node:http's client": async () => {
    const server = createServer((_message, response) => void response.end('hello'));
    const listener = await TcpListener.listen({ hostname, port: 0 });
    const serving = (async (): Promise<void> => {
      for await (const stream of listener) server.emit('connection', toDuplex(stream));
    })();
    const { port } = listener.address();
    for (let i = 0; i < 5; i += 1) {
      const asking = request({ host: hostname, port, agent: false }).end();
      const [response] = await once(asking, 'response');
      assert.equal(String(await buffer(response)), 'hello');
    }
    await listener.close();
    await serving;
  },

  'names a refusal as Node does': async () => {
    const listener = await TcpListener.listen({ hostname, port: 0 });
    const { port } = listener.address();
    await listener.close();
    await assert.rejects(TcpStream.connect({ hostname, port }), {
      code: 'ECONNREFUSED',
      message: `connect ECONNREFUSED ${hostname}:${port}`,
    });
  },

  'aborts accept, read and the listener': async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const listener = await TcpListener.listen({ hostname, port: 0 });
    const { port } = listener.address();
    const [client, server] = await Promise.all([
      TcpStream.connect({ hostname, port }),
      listener.accept(),
    ]);
    const accepting = listener.accept({ signal });
    const reading = client.read({ signal });
    await runtime().nop();
    controller.abort();
    await assert.rejects(accepting, { name: 'AbortError' });
    await assert.rejects(reading, { name: 'AbortError' });
    await Promise.all([client.destroy(), server.close(), listener.close()]);
  },

  'closes with reads in flight, and tells the peers': async () => {
    const listener = await TcpListener.listen({ hostname, port: 0 });
    const { port } = listener.address();
    const peers = Array.from({ length: 8 }, () => nodeConnect(port, hostname));
    const streams = await Promise.all(peers.map(() => listener.accept()));
    const reads = Promise.allSettled(streams.map((stream) => stream.read()));
    const closed = peers.map((peer) => once(peer.resume(), 'close'));
    await Promise.all(streams.map((stream) => stream.close()));
    assert.ok((await reads).every(({ status }) => status === 'rejected'));
    await Promise.all(closed);
    await listener.close();
    assert.equal(runtime().metrics().inFlight, 0);
  },
});
await runtime().close();

async function serve(stream: TcpStream): Promise<void> {
  for await (const chunk of stream) await stream.write(chunk);
  await stream.close();
}
