/**
 * The arguments of `server.listen`, in all their forms, told apart.
 *
 *   listen(handle | { fd } | [port][, host] | path | options [, backlog][, callback])
 */

import { isPipeName, isPort, normalizeArguments, toNumber } from './arguments.ts';
import type { Listener } from './arguments.ts';
import { net, refuseAsNode } from './node-net.ts';

/** Where to listen. */
type Place =
  | { readonly kind: 'port'; readonly port: number; readonly host: string | undefined }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number }
  /** A handle of Node's own, or something that has one. */
  | { readonly kind: 'handle' };

/** What `listen` was asked. */
export interface ListenPlan {
  readonly place: Place;
  readonly options: ListenOptions;
  readonly backlog: number;
  readonly callback: Listener | null;
}

/** The options of `listen`, as far as they are looked at. */
interface ListenOptions {
  port?: unknown;
  host?: string;
  path?: string;
  fd?: unknown;
  backlog?: number;
  exclusive?: boolean;
  ipv6Only?: boolean;
  reusePort?: boolean;
  readableAll?: boolean;
  writableAll?: boolean;
  signal?: AbortSignal;
  handle?: unknown;
  _handle?: unknown;
}

/** Node's default. */
const BACKLOG_DEFAULT = 511;

/** Tells the arguments apart. Throws Node's own error for what Node refuses. */
export function planListen(args: readonly unknown[]): ListenPlan {
  const [given, callback] = normalizeArguments(args);
  const options = given as ListenOptions;
  const fromArguments =
    toNumber(args.length > 1 && args[1]) || toNumber(args.length > 2 && args[2]) || 0;
  const place = placeOf(args, options);
  const backlog = (place.kind === 'fd' ? 0 : options.backlog) || fromArguments || BACKLOG_DEFAULT;
  return { place, options, backlog, callback };
}

function placeOf(args: readonly unknown[], options: ListenOptions): Place {
  if (hasHandle(options)) return { kind: 'handle' };
  const { fd, path, host, signal } = options;
  if (signal !== undefined && !isSignal(signal)) refuse(args);
  if (typeof fd === 'number' && fd >= 0) return { kind: 'fd', fd };
  const [first] = args;
  const isAny =
    args.length === 0 ||
    typeof first === 'function' ||
    (options.port === undefined && 'port' in options) ||
    options.port === null;
  const port = isAny ? 0 : options.port;
  if (typeof port === 'number' || typeof port === 'string') {
    if (!isPort(port)) refuse(args);
    return { kind: 'port', port: Number(port) | 0, host: host || undefined };
  }
  if (path !== undefined && path !== '' && isPipeName(path)) {
    const isOpen = Boolean(options.readableAll || options.writableAll);
    if (path.startsWith('\0') && isOpen) refuse(args);
    return { kind: 'path', path };
  }
  return refuse(args);
}

/** Whether Node would take its own handle out of it. */
function hasHandle(options: ListenOptions): boolean {
  const inner = options._handle ?? options.handle;
  if (typeof inner === 'object' && inner !== null) return true;
  // A handle itself: nothing but Node's own has this method.
  return typeof (options as { onconnection?: unknown; listen?: unknown }).listen === 'function';
}

function isSignal(signal: unknown): boolean {
  return typeof signal === 'object' && signal !== null && 'aborted' in signal;
}

function refuse(args: readonly unknown[]): never {
  return refuseAsNode(() => new net.Server().listen(...(args as [])));
}
