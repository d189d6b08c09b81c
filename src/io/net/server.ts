/**
 * `net.Server` on the ring: Node's options, properties, errors and order of events, with one
 * multishot accept below. Listening happens at once, as in Node: the port is known when `listen`
 * returns, and free again when `close` does.
 */

import { EventEmitter } from 'node:events';
import type { BlockList } from 'node:net';
import { getDefaultHighWaterMark } from 'node:stream';
import { promisify } from 'node:util';
import { AF_UNIX, EACCES, EINVAL, ENOENT, SO_ACCEPTCONN, SOL_SOCKET } from '../../native/abi.ts';
import { runtime, systemError } from '../../runtime/index.ts';
import { endpoint, unixEndpoint } from '../tcp/address.ts';
import type { Endpoint, SocketAddress, UnixEndpoint } from '../tcp/address.ts';
import { openListening } from '../tcp/listening-socket.ts';
import type { RingConnection } from '../tcp/ring-connection.ts';
import { adoptable, callable } from './callable.ts';
import { DelegatedListening } from './delegated-listen.ts';
import { planListen } from './listen-arguments.ts';
import type { ListenPlan } from './listen-arguments.ts';
import { alreadyListening, notRunning, plainError } from './net-errors.ts';
import {
  blockListOf,
  channels,
  cluster,
  dns,
  maxConnectionsMayBeZero,
  net,
  openSocketFile,
  refuseAsNode,
} from './node-net.ts';
import { ServerHandle } from './server-handle.ts';
import { RingSocket } from './socket.ts';
import type { SocketHandle } from './socket-handle.ts';
import { familyOf } from './socket-options.ts';

/** The options of `net.Server`. */
export interface ServerOptions {
  allowHalfOpen?: boolean;
  pauseOnConnect?: boolean;
  noDelay?: boolean;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
  highWaterMark?: number;
  blockList?: BlockList;
}

type ConnectionListener = (socket: RingSocket) => void;

/** Rights of everybody on the file of a Unix socket: `readableAll` and `writableAll`. */
const READABLE_BY_ALL = 0o444;
const WRITABLE_BY_ALL = 0o222;

const EmitterBase: typeof EventEmitter = adoptable(EventEmitter);

/** The class; users get it as `Server`. */
export class RingServer extends EmitterBase {
  _connections = 0;
  _handle: ServerHandle | DelegatedListening | null = null;
  _usingWorkers = false;
  _unref = false;
  _listeningId = 1;
  _connectionKey: string | undefined = undefined;
  _pipeName: string | undefined = undefined;
  declare maxConnections: number | undefined;
  declare blockList?: BlockList;
  allowHalfOpen: boolean;
  pauseOnConnect: boolean;
  noDelay: boolean;
  keepAlive: boolean;
  keepAliveInitialDelay: number;
  highWaterMark: number;

  constructor(given?: ServerOptions | ConnectionListener | null, listener?: ConnectionListener) {
    super();
    const options = serverOptions(given);
    const onConnection = typeof given === 'function' ? given : listener;
    if (typeof onConnection === 'function') this.on('connection', onConnection);
    this.allowHalfOpen = options.allowHalfOpen || false;
    this.pauseOnConnect = Boolean(options.pauseOnConnect);
    this.noDelay = Boolean(options.noDelay);
    this.keepAlive = Boolean(options.keepAlive);
    this.keepAliveInitialDelay = ~~((options.keepAliveInitialDelay ?? 0) / 1000);
    this.highWaterMark = options.highWaterMark ?? getDefaultHighWaterMark(false);
    const blockList = blockListOf(options, () => new net.Server(options));
    if (blockList !== undefined) this.blockList = blockList;
  }

  get listening(): boolean {
    return this._handle !== null;
  }

  listen(...args: unknown[]): this {
    if (this._handle !== null) throw alreadyListening();
    const plan = planListen(args);
    const { place, options, callback } = plan;
    if (channels.serverListen.asyncStart.hasSubscribers) {
      channels.serverListen.asyncStart.publish({ server: this, options });
    }
    if (callback !== null) this.once('listening', callback);
    this._listeningId += 1;
    if (place.kind !== 'handle') this.#bindSignal(options.signal);
    const isExclusive = cluster.isPrimary || (options.exclusive === true && place.kind !== 'fd');
    if (place.kind === 'handle' || !isExclusive) {
      this._handle = new DelegatedListening(this, args, !this._unref);
    } else if (place.kind === 'port' && place.host !== undefined) {
      this.#lookUpAndListen(place.host, place.port, plan);
    } else if (place.kind === 'port') {
      this.#listenAnywhere(place.port, plan);
    } else if (place.kind === 'path') {
      this.#listenOnPath(place.path, plan);
    } else {
      this.#listenOnDescriptor(place.fd, plan.backlog);
    }
    return this;
  }

  address(): SocketAddress | string | null {
    if (this._handle instanceof ServerHandle) {
      if (this._handle.isPipe) return this._pipeName ?? null;
      return this._handle.address;
    }
    if (this._handle !== null) return this._handle.address as SocketAddress | string | null;
    return this._pipeName ?? null;
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    process.nextTick(callback, null, this._connections);
    return this;
  }

  close(callback?: (error?: Error) => void): this {
    this._listeningId += 1;
    if (typeof callback === 'function') {
      if (this._handle === null) this.once('close', () => callback(notRunning()));
      else this.once('close', callback);
    }
    const handle = this._handle;
    this._handle = null;
    handle?.close();
    this._emitCloseIfDrained();
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this._handle === null) return;
    await promisify((done: (error?: Error) => void) => this.close(done))();
  }

  ref(): this {
    this._unref = false;
    this._handle?.ref();
    return this;
  }

  unref(): this {
    this._unref = true;
    this._handle?.unref();
    return this;
  }

  _emitCloseIfDrained(): void {
    if (this._handle !== null || this._connections > 0) return;
    process.nextTick(() => this.emit('close'));
  }

  /** A connection was accepted; called by the handle, in its async context. */
  _onConnection(handle: SocketHandle, connection: RingConnection): void {
    if (this.#isFull()) {
      this.#drop(connection, handle.isPipe);
      return;
    }
    if (this.blockList !== undefined && !handle.isPipe && isFrom(connection, this.blockList)) {
      connection.destroy();
      return;
    }
    const socket = new RingSocket({
      handle,
      allowHalfOpen: this.allowHalfOpen,
      pauseOnCreate: this.pauseOnConnect,
      readable: true,
      writable: true,
      readableHighWaterMark: this.highWaterMark,
      writableHighWaterMark: this.highWaterMark,
    });
    socket._inherit(this.noDelay, this.keepAlive, this.keepAliveInitialDelay * 1000);
    this._connections += 1;
    socket.server = this;
    socket._server = this;
    this.emit('connection', socket);
    if (channels.serverSocket.hasSubscribers) channels.serverSocket.publish({ socket });
  }

  #isFull(): boolean {
    const { maxConnections } = this;
    if (maxConnections === undefined || maxConnections === null) return false;
    if (maxConnections === 0 && !maxConnectionsMayBeZero) return false;
    return this._connections >= maxConnections;
  }

  #drop(connection: RingConnection, isPipe: boolean): void {
    const { localAddress: local, remoteAddress: remote } = connection;
    connection.destroy();
    if (isPipe) {
      this.emit('drop');
      return;
    }
    const data = {
      localAddress: local?.address,
      localPort: local?.port,
      localFamily: local?.family,
      remoteAddress: remote?.address,
      remotePort: remote?.port,
      remoteFamily: remote?.family,
    };
    this.emit('drop', Object.setPrototypeOf(data, null));
  }

  #bindSignal(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const onAbort = (): void => void this.close();
    if (signal.aborted) {
      process.nextTick(onAbort);
      return;
    }
    signal.addEventListener('abort', onAbort, { once: true });
    this.once('close', () => signal.removeEventListener('abort', onAbort));
  }

  #lookUpAndListen(host: string, port: number, plan: ListenPlan): void {
    const listeningId = this._listeningId;
    dns.lookup(host, (error, address, family) => {
      if (listeningId !== this._listeningId) return;
      if (error) this.emit('error', error);
      else this.#listenAt(endpoint(address, family || 4, port), plan);
    });
  }

  /** As Node does without a host: both families where there is IPv6. */
  #listenAnywhere(port: number, plan: ListenPlan): void {
    const where = endpoint('::', 6, port);
    const fd = this.#open(where, plan);
    if (fd >= 0) this.#listens(fd, where);
    else this.#listenAt(endpoint('0.0.0.0', 4, port), plan);
  }

  #listenAt(where: Endpoint, plan: ListenPlan): void {
    const fd = this.#open(where, plan);
    if (fd >= 0) this.#listens(fd, where);
    else this.#failToListen(fd, where.address, where.port);
  }

  #listenOnPath(path: string, plan: ListenPlan): void {
    this._pipeName = path;
    const where = unixEndpoint(path);
    const fd = typeof where === 'number' ? where : this.#open(where, plan);
    if (fd < 0) {
      // A folder that is missing is no access, as libuv has it.
      this.#failToListen(fd === -ENOENT ? -EACCES : fd, path, -1);
      return;
    }
    this.#listens(fd, path);
    const { readableAll, writableAll } = plan.options;
    const readable = readableAll === true ? READABLE_BY_ALL : 0;
    const rights = readable | (writableAll === true ? WRITABLE_BY_ALL : 0);
    if (rights !== 0) openSocketFile(path, rights);
  }

  #listenOnDescriptor(fd: number, backlog: number): void {
    const { calls } = runtime().requireEngine();
    const family = familyOf(runtime(), fd);
    const result = family === null ? -EINVAL : calls.listen(fd, backlog);
    if (result < 0 || calls.getOption(fd, SOL_SOCKET, SO_ACCEPTCONN) !== 1) {
      this._handle = new DelegatedListening(this, [{ fd }, backlog], !this._unref);
      return;
    }
    this.#start(fd, null, family === AF_UNIX);
  }

  #open(where: Endpoint | UnixEndpoint, { backlog, options }: ListenPlan): number {
    return openListening(runtime().requireEngine(), where, {
      backlog,
      reusePort: options.reusePort === true,
      isIpv6Only: options.ipv6Only === true,
      noDelay: this.noDelay,
      keepAlive: this.keepAlive,
      keepAliveDelay: this.keepAliveInitialDelay,
    });
  }

  #listens(fd: number, where: Endpoint | string): void {
    const isPipe = typeof where === 'string';
    this._connectionKey = isPipe
      ? `-1:${where}:-1`
      : `${where.family === 'IPv6' ? 6 : 4}:${where.address}:${where.port}`;
    this.#start(fd, isPipe ? where : null, isPipe);
  }

  #start(fd: number, path: string | null, isPipe: boolean): void {
    const handle = new ServerHandle(runtime(), this, { fd, path, isPipe });
    this._handle = handle;
    if (channels.serverListen.asyncEnd.hasSubscribers) {
      channels.serverListen.asyncEnd.publish({ server: this });
    }
    if (this._unref) handle.unref();
    process.nextTick(() => {
      if (this._handle === handle) handle.runInAsyncScope(() => this.emit('listening'));
    });
  }

  #failToListen(result: number, address: string, port: number): void {
    const place = port < 0 ? { address, port: undefined } : { address, port };
    const made = plainError(systemError(result, 'listen', { ...place, form: 'bind' }));
    const error = port < 0 ? Object.assign(made, { port }) : made;
    if (channels.serverListen.error.hasSubscribers) {
      channels.serverListen.error.publish({ server: this, error });
    }
    process.nextTick(() => this.emit('error', error));
  }
}

/** Rejections of `async` listeners, where `captureRejections` is on. */
Object.defineProperty(RingServer.prototype, EventEmitter.captureRejectionSymbol, {
  value(this: RingServer, error: Error, event: string, socket?: RingSocket): void {
    if (event === 'connection') socket?.destroy(error);
    else this.emit('error', error);
  },
  writable: true,
  configurable: true,
});

function serverOptions(
  given: ServerOptions | ConnectionListener | null | undefined,
): ServerOptions {
  if (given === undefined || given === null || typeof given === 'function') return {};
  const { keepAliveInitialDelay: delay, highWaterMark: mark } = given;
  const isDelayBad = delay !== undefined && typeof delay !== 'number';
  const isMarkBad = mark !== undefined && typeof mark !== 'number';
  if (typeof given !== 'object' || isDelayBad || isMarkBad) {
    refuseAsNode(() => new net.Server(given));
  }
  const options = { ...given };
  if (delay !== undefined && delay < 0) options.keepAliveInitialDelay = 0;
  if (mark !== undefined && mark < 0) delete options.highWaterMark;
  return options;
}

function isFrom({ remoteAddress }: RingConnection, blockList: BlockList): boolean {
  if (remoteAddress === null) return false;
  return blockList.check(remoteAddress.address, remoteAddress.family === 'IPv6' ? 'ipv6' : 'ipv4');
}

function standInFor(args: unknown[]): object | null {
  return runtime().engine === null ? Reflect.construct(net.Server, args) : null;
}

/** The class as users get it: with or without `new`. */
export const Server: typeof RingServer = callable(RingServer, standInFor);
Object.defineProperty(RingServer, 'name', { value: 'Server' });
