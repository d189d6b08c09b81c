/**
 * Two ends of a connection over loopback, made through the runtime under test; and peers of Node's
 * own, for what only another implementation can show.
 */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { SocketStream } from '../../src/io/stream/socket-stream.ts';
import { TcpListener } from '../../src/io/tcp/tcp-listener.ts';
import { TcpStream } from '../../src/io/tcp/tcp-stream.ts';

/** Both ends of one connection. */
export interface TcpPair {
  readonly client: TcpStream;
  readonly server: TcpStream;
  /** Destroys both. */
  destroy(): Promise<void>;
}

/** Connects two streams. */
export async function tcpPair(hostname = '127.0.0.1'): Promise<TcpPair> {
  const listener = await TcpListener.listen({ hostname, port: 0 });
  const { port } = listener.address();
  const [client, server] = await Promise.all([
    TcpStream.connect({ hostname, port }),
    listener.accept(),
  ]);
  await listener.close();
  return {
    client,
    server,
    destroy: async () => {
      await Promise.all([client.destroy(), server.destroy()]);
    },
  };
}

/** A stream whose peer is a socket of `node:net`. */
export async function nodePeer(): Promise<{ stream: TcpStream; peer: Socket }> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const { port } = server.address() as AddressInfo;
  const stream = await TcpStream.connect({ hostname: '127.0.0.1', port });
  const [peer] = await accepted;
  server.close();
  // A peer that is reset is what some tests are about.
  peer.on('error', () => {});
  onTestFinished(() => void peer.destroy());
  return { stream, peer };
}

/** Everything that arrives until the end. */
export async function readAll(stream: SocketStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Exactly `size` bytes, or fewer if the end comes first. */
export async function readExactly(stream: SocketStream, size: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  while (total < size) {
    const chunk = await stream.read();
    if (chunk === null) break;
    chunks.push(chunk);
    total += chunk.length;
  }
  return Buffer.concat(chunks);
}

/** The checksum and the size of everything that arrives until the end. */
export async function digestAll(stream: SocketStream): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha1');
  let size = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { digest: hash.digest('hex'), size };
}
