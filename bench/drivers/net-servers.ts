/**
 * The servers of the comparison that are written for a module with the interface of `node:net`:
 * one program for Node's own and for the drop-in.
 */

import type net from 'node:net';
import { ServerProcess, totalsOf, wrongEnds } from './server-process.ts';

/** The function that is used of it. */
export type NetModule = Pick<typeof net, 'createServer'>;

/** What the servers listen with: as long as the longest queue that is measured. */
const BACKLOG = 4096;

/** Sends back what comes. */
export function serveEcho(module: NetModule): void {
  const run = new ServerProcess();
  const server = module.createServer({ noDelay: true }, (socket) => {
    socket.on('data', (chunk) => {
      run.operations += 1;
      if (!socket.write(chunk)) socket.pause();
    });
    socket.on('drain', () => socket.resume());
    socket.on('error', report);
  });
  listen(server, run);
}

/** Counts what comes; answers with the totals when the peer has sent everything. */
export function serveSink(module: NetModule): void {
  const run = new ServerProcess();
  const server = module.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    let bytes = 0;
    let wrong = 0;
    socket.on('data', (chunk: Buffer) => {
      run.operations += 1;
      wrong += wrongEnds(chunk, bytes);
      bytes += chunk.length;
    });
    socket.on('end', () => socket.end(totalsOf(bytes, wrong)));
    socket.on('error', report);
  });
  listen(server, run);
}

/** Never reads: `data` is listened to, and the socket paused. */
export function servePaused(module: NetModule): void {
  const run = new ServerProcess();
  const server = module.createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('data', () => report(new Error('A paused socket has read')));
    socket.pause();
    socket.on('error', report);
  });
  listen(server, run);
}

function listen(server: net.Server, run: ServerProcess): void {
  server.listen(0, '127.0.0.1', BACKLOG, () => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('Expected a TCP address');
    run.ready(address.port);
  });
}

function report(error: Error): void {
  process.stderr.write(`${error.message}\n`);
}
