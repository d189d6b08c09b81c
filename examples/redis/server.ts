/**
 * A server that real Redis clients talk to: pipelines, inline commands, and one write for all the
 * replies to what arrived together.
 *
 *   node dist/examples/redis/server.js --port 6379      then:  redis-cli
 */

import { TcpListener } from 'onering';
import type { TcpSocket } from 'onering';
import { readArguments } from '../arguments.ts';
import { CommandReader, encodeReply, ProtocolError } from './protocol.ts';
import type { Reply } from './protocol.ts';
import { Store } from './store.ts';

const { port } = readArguments({ port: '6379' });
const store = new Store();

function answer(socket: TcpSocket, words: readonly Buffer[]): Reply {
  if (words[0]?.toString('latin1').toUpperCase() === 'QUIT') {
    // Closes once the reply to it is sent.
    queueMicrotask(() => socket.end());
    return 'OK';
  }
  try {
    return store.run(words);
  } catch (error) {
    return error as Error;
  }
}

function serve(socket: TcpSocket, chunk: Buffer): void {
  const replies: Buffer[] = [];
  try {
    const commands = (socket.data as CommandReader).read(chunk);
    for (const words of commands) encodeReply(answer(socket, words), replies);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    encodeReply(new Error(`Protocol error: ${error.message}`), replies);
    queueMicrotask(() => socket.end());
  }
  if (replies.length === 0) return;
  // A client that sends without reading must wait, and not fill our memory.
  if (!socket.write(Buffer.concat(replies))) socket.pause();
}

const listener = await TcpListener.listen({
  hostname: '127.0.0.1',
  port: Number(port),
  socket: {
    open(socket) {
      socket.data = new CommandReader();
    },
    data: serve,
    drain: (socket) => socket.resume(),
    error() {
      // A peer that vanished; there is nobody to tell.
    },
  },
});
console.log(`listening on ${listener.address().port}`);
