/**
 * An echo server in three styles: callbacks, promises, and Node's streams.
 *
 *   node dist/examples/echo.js --style callbacks --port 7000
 */

import { pipeline } from 'node:stream/promises';
import { TcpListener, toDuplex } from 'onering';
import { readArguments } from './arguments.ts';

const where = (port: string): { hostname: string; port: number } => ({
  hostname: '127.0.0.1',
  port: Number(port),
});

const styles = {
  /** The fastest: one object of functions for all connections. */
  callbacks: (port: string) =>
    TcpListener.listen({
      ...where(port),
      socket: { data: (socket, chunk) => void socket.write(chunk) },
    }),

  /** One asynchronous function for each connection. */
  promises: async (port: string) => {
    const listener = await TcpListener.listen(where(port));
    const serve = async (): Promise<void> => {
      for await (const stream of listener) {
        const echo = async (): Promise<void> => {
          for await (const chunk of stream) await stream.write(chunk);
          await stream.close();
        };
        // A peer that vanished ends its own connection only.
        echo().catch(() => stream.destroy());
      }
    };
    void serve();
    return listener;
  },

  /** A `stream.Duplex` for each connection, for what is built on Node's streams. */
  streams: async (port: string) => {
    const listener = await TcpListener.listen(where(port));
    const serve = async (): Promise<void> => {
      for await (const stream of listener) {
        const duplex = toDuplex(stream);
        pipeline(duplex, duplex).catch(() => duplex.destroy());
      }
    };
    void serve();
    return listener;
  },
};

const { style, port } = readArguments({ style: 'promises', port: '7000' });
const open = styles[style as keyof typeof styles];
if (open === undefined) throw new Error(`No such style: ${style}`);
const listener = await open(port);
console.log(`listening on ${listener.address().port}`);
