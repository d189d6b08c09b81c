/**
 * The arguments of `connect` and `listen`: one object and a callback, whatever form they came in.
 *
 *   (options[, callback])   (path[, ...][, callback])   ([port][, host][, ...][, callback])
 */

/** Options, and the callback or `null`. */
export type Normalized = [options: Record<string, unknown>, callback: Listener | null];

export type Listener = () => void;

/** Brings arguments into one form. What was brought into it before is taken as it is. */
export function normalizeArguments(args: readonly unknown[]): Normalized {
  const [first] = args;
  if (Array.isArray(first) && first.length === 2) return first as unknown as Normalized;
  let options: Record<string, unknown> = {};
  if (args.length === 0) {
    options = {};
  } else if (typeof first === 'object' && first !== null) {
    options = first as Record<string, unknown>;
  } else if (isPipeName(first)) {
    options['path'] = first;
  } else {
    options['port'] = first;
    if (args.length > 1 && typeof args[1] === 'string') options['host'] = args[1];
  }
  const last = args.at(-1);
  return [options, typeof last === 'function' ? (last as Listener) : null];
}

/** Whether a string names a Unix socket, and is no port. */
export function isPipeName(name: unknown): name is string {
  return typeof name === 'string' && toNumber(name) === false;
}

/** A number of 0 or more, or `false`. */
export function toNumber(value: unknown): number | false {
  const number = Number(value);
  return number >= 0 ? number : false;
}

/** Whether Node takes it for a port. */
export function isPort(port: unknown): boolean {
  if (typeof port !== 'number' && typeof port !== 'string') return false;
  if (typeof port === 'string' && port.trim() === '') return false;
  return Number(port) === Number(port) >>> 0 && Number(port) <= 0xffff;
}
