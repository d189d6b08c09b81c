/**
 * The door of `onering/net`: everything that `node:net` exports, with sockets and servers on the
 * ring. Where there is no ring when this module is loaded, all of it is Node's own.
 */

import type * as nodeNet from 'node:net';
import { hasRing } from '../../runtime/index.ts';
import { createConnection as ownConnect } from './create-connection.ts';
import { takeLengths } from './lengths.ts';
import { net } from './node-net.ts';
import { Server as OwnServer } from './server.ts';
import { Socket as OwnSocket } from './socket.ts';

const isOwn = hasRing();

type Listener = (socket: nodeNet.Socket) => void;

/**
 * A TCP or Unix socket: `net.Socket` on the ring, a `stream.Duplex`.
 *
 * It is no instance of `net.Socket` of `node:net`. Linux 6.1+, otherwise Node's own.
 *
 * @example
 * ```ts
 * import { createServer, Socket } from 'onering/net';
 *
 * const server = createServer((socket) => socket.end('hello')).listen(0, () => {
 *   const socket = new Socket();
 *   socket.connect((server.address() as { port: number }).port);
 *   socket.on('data', (data) => console.log(String(data))); // hello
 *   socket.on('close', () => server.close());
 * });
 * ```
 * @see https://nodejs.org/api/net.html#class-netsocket
 */
export const Socket = (isOwn ? OwnSocket : net.Socket) as unknown as typeof nodeNet.Socket;
export type Socket = nodeNet.Socket;

/**
 * `Socket`, by the name that Node gave it first.
 *
 * @example
 * ```ts
 * import { Socket, Stream } from 'onering/net';
 *
 * console.log(Stream === Socket); // true
 * ```
 */
export const Stream: typeof nodeNet.Socket = Socket;

/**
 * A server for TCP or Unix sockets: `net.Server` on the ring. Linux 6.1+, otherwise Node's own.
 *
 * Out of descriptors it does not drop who connects, as Node does: they wait in the backlog.
 *
 * @example
 * ```ts
 * import { Server } from 'onering/net';
 *
 * const server = new Server().listen(0, '127.0.0.1', () => {
 *   console.log(server.listening); // true
 *   server.close();
 * });
 * ```
 * @see https://nodejs.org/api/net.html#class-netserver
 */
export const Server = (isOwn ? OwnServer : net.Server) as unknown as typeof nodeNet.Server;
export type Server = nodeNet.Server;

/**
 * Makes a server.
 *
 * @param args - as for `net.createServer`: options, and a listener for `'connection'`.
 * @returns a server that does not listen yet.
 * @example
 * ```ts
 * import { createServer } from 'onering/net';
 *
 * const server = createServer((socket) => socket.end()).listen(0);
 * console.log(server.listening); // true
 * server.close();
 * ```
 * @see https://nodejs.org/api/net.html#netcreateserveroptions-connectionlistener
 */
export const createServer = ((options?: nodeNet.ServerOpts, listener?: Listener) =>
  new Server(options, listener)) as typeof nodeNet.createServer;

/**
 * Makes a socket and connects it.
 *
 * @param args - as for `net.connect`: options, or port and host, or a path; a callback.
 * @returns the socket, connecting.
 * @example
 * ```ts
 * import { connect, createServer } from 'onering/net';
 *
 * const server = createServer((socket) => socket.end('bye')).listen(0, () => {
 *   const socket = connect((server.address() as { port: number }).port);
 *   socket.on('data', (data) => console.log(String(data))); // bye
 *   socket.on('close', () => server.close());
 * });
 * ```
 * @see https://nodejs.org/api/net.html#netconnect
 */
export const connect: typeof nodeNet.connect = (isOwn
  ? ownConnect
  : net.connect) as unknown as typeof nodeNet.connect;

/**
 * `connect`, by its other name.
 *
 * @example
 * ```ts
 * import { connect, createConnection } from 'onering/net';
 *
 * console.log(createConnection === connect); // true
 * ```
 */
export const createConnection: typeof nodeNet.connect = connect;

export {
  _createServerHandle,
  _normalizeArgs,
  _setSimultaneousAccepts,
  BlockList,
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  isIP,
  isIPv4,
  isIPv6,
  setDefaultAutoSelectFamily,
  setDefaultAutoSelectFamilyAttemptTimeout,
  SocketAddress,
} from './node-net.ts';
export type * from 'node:net';

if (isOwn) {
  takeLengths(OwnSocket.prototype, net.Socket.prototype);
  takeLengths(OwnServer.prototype, net.Server.prototype);
  takeLengths({ createServer }, { createServer: net.createServer });
  Object.defineProperty(ownConnect, 'name', { value: net.connect.name });
}

/** What the running Node's `net` has, newer names included, with ours in their places. */
const whole = Object.defineProperties(
  {},
  {
    ...Object.getOwnPropertyDescriptors(net),
    ...Object.getOwnPropertyDescriptors({
      connect,
      createConnection,
      createServer,
      Server,
      Socket,
      Stream,
    }),
  },
) as typeof nodeNet;

export default whole;
// What `require` gives: like Node's, an object whose members may be replaced.
export { whole as 'module.exports' };
