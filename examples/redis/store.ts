/**
 * The data of the Redis example: strings with an expiry, and the commands on them. Keys that are
 * over are removed when they are looked at.
 */

import type { Reply } from './protocol.ts';

interface Entry {
  value: Buffer;
  /** On the clock of `performance.now()`; `Infinity` for ever. */
  deadlineMs: number;
}

type Command = (words: readonly Buffer[]) => Reply;

const EMPTY: Buffer = Buffer.alloc(0);
const WRONG_NUMBER = 'value is not an integer or out of range';

export class Store {
  readonly #entries = new Map<string, Entry>();

  /** Runs one command; the first word is its name. */
  run(words: readonly Buffer[]): Reply {
    const name = words[0]?.toString('latin1').toUpperCase() ?? '';
    const known = this.#commands[name];
    if (known === undefined) return new Error(`unknown command '${name}'`);
    const [countMin, countMax, command] = known;
    const count = words.length - 1;
    if (count < countMin || count > countMax) {
      return new Error(`wrong number of arguments for '${name.toLowerCase()}' command`);
    }
    return command(words.slice(1));
  }

  readonly #commands: Readonly<Record<string, readonly [min: number, max: number, Command]>> = {
    PING: [0, 1, ([message]) => message ?? 'PONG'],
    ECHO: [1, 1, ([message]) => message ?? null],
    SET: [2, Infinity, (words) => this.#set(words)],
    GET: [1, 1, ([key]) => this.#find(key)?.value ?? null],
    GETDEL: [1, 1, ([key]) => this.#take(key)],
    MGET: [1, Infinity, (keys) => keys.map((key) => this.#find(key)?.value ?? null)],
    MSET: [2, Infinity, (words) => this.#setMany(words)],
    DEL: [1, Infinity, (keys) => keys.filter((key) => this.#take(key) !== null).length],
    EXISTS: [1, Infinity, (keys) => keys.filter((key) => this.#find(key) !== undefined).length],
    APPEND: [2, 2, ([key, tail]) => this.#append(key, tail)],
    STRLEN: [1, 1, ([key]) => this.#find(key)?.value.length ?? 0],
    INCR: [1, 1, ([key]) => this.#add(key, 1)],
    DECR: [1, 1, ([key]) => this.#add(key, -1)],
    INCRBY: [2, 2, ([key, by]) => this.#add(key, integerOf(by))],
    DECRBY: [2, 2, ([key, by]) => this.#add(key, -integerOf(by))],
    EXPIRE: [2, 2, ([key, seconds]) => this.#expire(key, integerOf(seconds) * 1000)],
    PEXPIRE: [2, 2, ([key, ms]) => this.#expire(key, integerOf(ms))],
    PERSIST: [1, 1, ([key]) => this.#persist(key)],
    TTL: [1, 1, ([key]) => this.#left(key, 1000)],
    PTTL: [1, 1, ([key]) => this.#left(key, 1)],
    TYPE: [1, 1, ([key]) => (this.#find(key) === undefined ? 'none' : 'string')],
    DBSIZE: [0, 0, () => this.#entries.size],
    FLUSHALL: [0, 1, () => (this.#entries.clear(), 'OK')],
    FLUSHDB: [0, 1, () => (this.#entries.clear(), 'OK')],
    // What clients ask before they begin.
    SELECT: [1, 1, ([index]) => (integerOf(index) === 0 ? 'OK' : new Error('one database'))],
    INFO: [0, Infinity, () => Buffer.from('# Server\r\nredis_version:7.0.0\r\nloading:0\r\n')],
    CONFIG: [1, Infinity, ([, name]) => (name === undefined ? 'OK' : [name, EMPTY])],
    COMMAND: [0, Infinity, () => []],
    CLIENT: [1, Infinity, () => 'OK'],
  };

  #find(key: Buffer | undefined): Entry | undefined {
    const name = nameOf(key);
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.deadlineMs > performance.now()) return entry;
    this.#entries.delete(name);
    return undefined;
  }

  #put(key: Buffer | undefined, value: Buffer, deadlineMs = Infinity): void {
    // A copy: the bytes are part of a larger chunk, which would stay in memory with them.
    this.#entries.set(nameOf(key), { value: Buffer.from(value), deadlineMs });
  }

  #take(key: Buffer | undefined): Buffer | null {
    const entry = this.#find(key);
    this.#entries.delete(nameOf(key));
    return entry?.value ?? null;
  }

  #set([key, value = EMPTY, ...options]: readonly Buffer[]): Reply {
    let deadlineMs = Infinity;
    for (let at = 0; at < options.length; at += 1) {
      const option = options[at]?.toString('latin1').toUpperCase();
      const isThere = this.#find(key) !== undefined;
      if ((option === 'NX' && isThere) || (option === 'XX' && !isThere)) return null;
      if (option === 'NX' || option === 'XX') continue;
      if (option !== 'EX' && option !== 'PX') return new Error('syntax error');
      at += 1;
      const delay = integerOf(options[at]);
      if (delay <= 0) return new Error("invalid expire time in 'set' command");
      deadlineMs = performance.now() + delay * (option === 'EX' ? 1000 : 1);
    }
    this.#put(key, value, deadlineMs);
    return 'OK';
  }

  #setMany(words: readonly Buffer[]): Reply {
    if (words.length % 2 !== 0) return new Error("wrong number of arguments for 'mset' command");
    for (let at = 0; at < words.length; at += 2) {
      this.#put(words[at], words[at + 1] ?? EMPTY);
    }
    return 'OK';
  }

  #append(key: Buffer | undefined, tail: Buffer = EMPTY): number {
    const entry = this.#find(key);
    const value = Buffer.concat([entry?.value ?? EMPTY, tail]);
    this.#put(key, value, entry?.deadlineMs);
    return value.length;
  }

  #add(key: Buffer | undefined, by: number): number {
    const entry = this.#find(key);
    const sum = (entry === undefined ? 0 : integerOf(entry.value)) + by;
    if (!Number.isSafeInteger(sum)) throw new Error('increment or decrement would overflow');
    this.#put(key, Buffer.from(String(sum)), entry?.deadlineMs);
    return sum;
  }

  #expire(key: Buffer | undefined, delayMs: number): number {
    const entry = this.#find(key);
    if (entry === undefined) return 0;
    entry.deadlineMs = performance.now() + delayMs;
    return 1;
  }

  #persist(key: Buffer | undefined): number {
    const entry = this.#find(key);
    if (entry === undefined || entry.deadlineMs === Infinity) return 0;
    entry.deadlineMs = Infinity;
    return 1;
  }

  #left(key: Buffer | undefined, unitMs: number): number {
    const entry = this.#find(key);
    if (entry === undefined) return -2;
    if (entry.deadlineMs === Infinity) return -1;
    return Math.round((entry.deadlineMs - performance.now()) / unitMs);
  }
}

/** Keys are bytes; in this spelling each is one character. */
function nameOf(key: Buffer | undefined): string {
  return key?.toString('latin1') ?? '';
}

function integerOf(word: Buffer | undefined): number {
  const text = word?.toString('latin1') ?? '';
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) throw new Error(WRONG_NUMBER);
  return value;
}
