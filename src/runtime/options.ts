/**
 * RuntimeOptions: every field, its default, its validation.
 *
 * Options are checked once, before anything is set up; an unknown name is an error that names the
 * likely typo, because a misspelled limit that is silently ignored is found in production.
 */

import { invalidArgType, invalidArgValue, outOfRange } from './errors.ts';

/** When the completion queue is resized (Linux 6.13+). */
export interface ResizeOptions {
  /**
   * Batches in a row that fill three quarters of the completion queue before it is doubled.
   * @defaultValue 4
   */
  pressedBatches?: number;
  /**
   * Milliseconds without pressure before it is halved again.
   * @defaultValue 10_000
   */
  quietMs?: number;
}

/** Two-stage waits (Linux 6.12+): wait for `count` completions first, then for any. */
export interface MinWaitOptions {
  /** Completions to wait for in the first stage. */
  count: number;
  /** Length of the first stage in microseconds. */
  micros: number;
}

/** NAPI busy poll (Linux 6.9+): waits poll the network device before they sleep. */
export interface NapiOptions {
  /**
   * How the kernel knows the device queues to poll: it learns them itself, or is given those of the
   * sockets in use (Linux 6.13+), which costs less per operation.
   * @defaultValue 'dynamic'
   */
  tracking?: 'dynamic' | 'static';
  /**
   * How long a wait polls before it sleeps, in microseconds: 1 to 10,000, the kernel's limit.
   * @defaultValue 50
   */
  busyPollMicros?: number;
  /**
   * Whether interrupts of the queues are put off while they are polled, as with
   * `SO_PREFER_BUSY_POLL`.
   * @defaultValue false
   */
  prefer?: boolean;
}

/** Settings of a `Runtime`. All are optional. */
export interface RuntimeOptions {
  /**
   * Which backend to use: `'uring'` fails where io_uring cannot be had, `'auto'` falls back to
   * Node's own loop. The environment variable `ONERING_BACKEND` decides where this says `'auto'`.
   * @defaultValue 'auto'
   */
  backend?: 'auto' | 'uring' | 'libuv';
  /**
   * Submission queue entries; rounded up to a power of two.
   * @defaultValue 1024, or `completionEntries` if that is less
   */
  entries?: number;
  /**
   * Completion queue entries to begin with; rounded up to a power of two, at least `entries`.
   * @defaultValue four times `entries`
   */
  completionEntries?: number;
  /**
   * How far the completion queue may grow under pressure.
   * @defaultValue 65_536
   */
  completionEntriesMax?: number;
  /**
   * Resizing under completion queue pressure, or `false` for never.
   * @defaultValue both defaults of `ResizeOptions`
   */
  resize?: boolean | ResizeOptions;
  /**
   * Microseconds to look at shared memory before a tick sleeps: lower latency for more CPU.
   * @defaultValue 0
   */
  busyWaitMicros?: number;
  /**
   * Two-stage waits, for servers that prefer throughput to latency.
   * @defaultValue off
   */
  minWait?: MinWaitOptions;
  /**
   * Whether waits use registered slots where the kernel has them.
   * @defaultValue true
   */
  registeredWaits?: boolean;
  /**
   * Provided receive buffers shared by the sockets of the runtime; a power of two. They are made
   * as they are wanted. Connections that fill them share an eighth as many of four times the size,
   * up to 64 KiB.
   * @defaultValue 256
   */
  receiveBuffers?: number;
  /**
   * Bytes of each of them.
   * @defaultValue 16_384
   */
  receiveBufferSize?: number;
  /**
   * NAPI busy poll of the devices that sockets receive from. It spends CPU for latency and does
   * nothing over loopback; where the kernel has none, a warning says so.
   * @defaultValue off
   */
  napi?: NapiOptions;
}

/** The same with every default filled in. */
export interface ResolvedOptions {
  readonly backend: 'auto' | 'uring' | 'libuv';
  readonly entries: number;
  readonly completionEntries: number;
  readonly completionEntriesMax: number;
  readonly resize: { readonly pressedBatches: number; readonly quietMs: number } | false;
  readonly busyWaitMicros: number;
  readonly minWait: MinWaitOptions;
  readonly registeredWaits: boolean;
  readonly receiveBuffers: number;
  readonly receiveBufferSize: number;
  readonly napi: Readonly<Required<NapiOptions>> | null;
}

const ENTRIES_DEFAULT = 1024;
const ENTRIES_MAX = 32_768;
const COMPLETION_ENTRIES_MAX = 65_536;
const BUSY_WAIT_MICROS_MAX = 1_000_000;
/** The kernel cuts longer times to this one, and does not say so. */
const NAPI_MICROS_MAX = 10_000;
const RECEIVE_BUFFERS_MAX = 32_768;
const RECEIVE_BUFFER_SIZE_MAX = 16 * 1024 * 1024;
const OPTION_NAMES = [
  'backend',
  'entries',
  'completionEntries',
  'completionEntriesMax',
  'resize',
  'busyWaitMicros',
  'minWait',
  'registeredWaits',
  'receiveBuffers',
  'receiveBufferSize',
  'napi',
] as const;

/** Checks the options and fills in the defaults. */
export function resolveOptions(options: RuntimeOptions = {}): ResolvedOptions {
  validateObject(options, 'options');
  validateNames(options, 'options', OPTION_NAMES);
  const { entries, completionEntries, completionEntriesMax } = resolveSizes(options);
  const receiveBuffers = integer(
    options.receiveBuffers,
    'options.receiveBuffers',
    256,
    1,
    RECEIVE_BUFFERS_MAX,
  );
  if (roundUp(receiveBuffers) !== receiveBuffers) {
    throw invalidArgValue('options.receiveBuffers', receiveBuffers, 'must be a power of two');
  }
  return {
    backend: oneOf(options.backend, 'options.backend', ['auto', 'uring', 'libuv'] as const),
    entries,
    completionEntries,
    completionEntriesMax,
    resize: resolveResize(options.resize),
    busyWaitMicros: number(
      options.busyWaitMicros,
      'options.busyWaitMicros',
      0,
      0,
      BUSY_WAIT_MICROS_MAX,
    ),
    minWait: resolveMinWait(options.minWait),
    registeredWaits: boolean(options.registeredWaits, 'options.registeredWaits', true),
    receiveBuffers,
    receiveBufferSize: integer(
      options.receiveBufferSize,
      'options.receiveBufferSize',
      16_384,
      1,
      RECEIVE_BUFFER_SIZE_MAX,
    ),
    napi: resolveNapi(options.napi),
  };
}

/** Sizes are rounded up to powers of two first, and then have to be in order. */
function resolveSizes(
  options: RuntimeOptions,
): Pick<ResolvedOptions, 'entries' | 'completionEntries' | 'completionEntriesMax'> {
  const max = COMPLETION_ENTRIES_MAX;
  const size = (name: 'entries' | 'completionEntries' | 'completionEntriesMax', most: number) =>
    options[name] === undefined
      ? undefined
      : roundUp(integer(options[name], `options.${name}`, undefined, 1, most));
  const entriesGiven = size('entries', ENTRIES_MAX);
  const completionsGiven = size('completionEntries', max);
  const completionEntriesMax = size('completionEntriesMax', max) ?? max;
  const entries =
    entriesGiven ??
    Math.min(ENTRIES_DEFAULT, completionsGiven ?? completionEntriesMax, completionEntriesMax);
  const completionEntries =
    completionsGiven ?? Math.max(entries, Math.min(entries * 4, completionEntriesMax));
  if (completionEntries < entries) {
    const { completionEntries: given } = options;
    throw outOfRange('options.completionEntries', `>= ${entries} && <= ${max}`, given);
  }
  if (completionEntriesMax < completionEntries) {
    const { completionEntriesMax: given } = options;
    throw outOfRange('options.completionEntriesMax', `>= ${completionEntries} && <= ${max}`, given);
  }
  return { entries, completionEntries, completionEntriesMax };
}

function resolveResize(resize: boolean | ResizeOptions | undefined): ResolvedOptions['resize'] {
  if (resize === false) return false;
  const options = resize === undefined || resize === true ? {} : resize;
  validateObject(options, 'options.resize');
  validateNames(options, 'options.resize', ['pressedBatches', 'quietMs']);
  return {
    pressedBatches: integer(
      options.pressedBatches,
      'options.resize.pressedBatches',
      4,
      1,
      1_000_000,
    ),
    quietMs: number(options.quietMs, 'options.resize.quietMs', 10_000, 1, 2 ** 31),
  };
}

function resolveMinWait(minWait: MinWaitOptions | undefined): MinWaitOptions {
  if (minWait === undefined) return { count: 1, micros: 0 };
  validateObject(minWait, 'options.minWait');
  validateNames(minWait, 'options.minWait', ['count', 'micros']);
  return {
    count: integer(minWait.count, 'options.minWait.count', undefined, 1, COMPLETION_ENTRIES_MAX),
    micros: integer(minWait.micros, 'options.minWait.micros', undefined, 0, BUSY_WAIT_MICROS_MAX),
  };
}

function resolveNapi(napi: NapiOptions | undefined): ResolvedOptions['napi'] {
  if (napi === undefined) return null;
  validateObject(napi, 'options.napi');
  validateNames(napi, 'options.napi', ['tracking', 'busyPollMicros', 'prefer']);
  const { tracking, busyPollMicros, prefer } = napi;
  return {
    tracking: oneOf(tracking, 'options.napi.tracking', ['dynamic', 'static'] as const),
    busyPollMicros: integer(busyPollMicros, 'options.napi.busyPollMicros', 50, 1, NAPI_MICROS_MAX),
    prefer: boolean(prefer, 'options.napi.prefer', false),
  };
}

/** Throws `ERR_INVALID_ARG_TYPE` unless `value` is an object that is not an array. */
export function validateObject(value: unknown, name: string): asserts value is object {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw invalidArgType(name, 'of type object', value);
  }
}

/** Throws `ERR_INVALID_ARG_VALUE` for a name that is not known, with the likely one. */
export function validateNames(value: object, name: string, known: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    const hint = near === undefined ? `has no such field` : `is unknown, did you mean "${near}"`;
    throw invalidArgValue(`${name}.${key}`, (value as Record<string, unknown>)[key], hint);
  }
}

/** Checks an integer within bounds; without a default it is required. */
export function integer(
  value: unknown,
  name: string,
  byDefault: number | undefined,
  min: number,
  max: number,
): number {
  if (typeof value === 'number' && !Number.isInteger(value)) {
    throw outOfRange(name, 'an integer', value);
  }
  return number(value, name, byDefault, min, max);
}

function number(
  value: unknown,
  name: string,
  byDefault: number | undefined,
  min: number,
  max: number,
): number {
  if (value === undefined && byDefault !== undefined) return byDefault;
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
  if (!(value >= min && value <= max)) throw outOfRange(name, `>= ${min} && <= ${max}`, value);
  return value;
}

/** Checks a boolean. */
export function boolean(value: unknown, name: string, byDefault: boolean): boolean {
  if (value === undefined) return byDefault;
  if (typeof value !== 'boolean') throw invalidArgType(name, 'of type boolean', value);
  return value;
}

function oneOf<const T extends readonly string[]>(
  value: unknown,
  name: string,
  known: T,
): T[number] {
  if (value === undefined) return known[0] as T[number];
  if (typeof value !== 'string') throw invalidArgType(name, 'of type string', value);
  if (!known.includes(value)) {
    const list = known.map((word) => `'${word}'`).join(', ');
    throw invalidArgValue(name, value, `must be one of: ${list}`);
  }
  return value;
}

function roundUp(value: number): number {
  return 2 ** Math.ceil(Math.log2(value));
}

/** The known name with the fewest edits, if they are few. */
function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let distanceMin = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < distanceMin) {
      best = candidate;
      distanceMin = distance;
    }
  }
  return best;
}

function editDistance(source: string, target: string): number {
  let previous = Array.from({ length: target.length + 1 }, (_, i) => i);
  for (let i = 1; i <= source.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= target.length; j += 1) {
      const substitution = (previous[j - 1] ?? 0) + (source[i - 1] === target[j - 1] ? 0 : 1);
      row.push(Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution));
    }
    previous = row;
  }
  return previous[target.length] ?? 0;
}
