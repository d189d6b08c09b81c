/**
 * A log-structured key-value store in one file: every change is a record at its end, and the index
 * in memory says where the newest value of each key is.
 *
 *   record:  crc32 | size of key | size of value, or none: deleted | key | value
 *
 * `set` resolves when its record is on the disk; those who wait at the same time share one sync
 * (`File.append`). Opening replays the log; what a crash has torn off behind the last whole record
 * was never acknowledged, and is cut away. There is no compaction: the file only grows.
 */

import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { File } from 'onering';

const HEADER_SIZE = 12;
/** In place of a size: the key is deleted. */
const DELETED = 0xffffffff;
const READ_SIZE = 1024 * 1024;

export class Store {
  /** @type {Map<string, { position: number, size: number }>} */
  #index = new Map();
  #log;
  /** Bytes that were cut away when the store was opened. */
  cut = 0;

  constructor(log) {
    this.#log = log;
  }

  /** Opens the store at `path`, or makes one. */
  static async open(path) {
    const store = new Store(await File.open(path, 'a+'));
    await store.#replay();
    // The name itself is on the disk only when its directory is.
    const directory = await File.open(dirname(path));
    await directory.sync();
    await directory.close();
    return store;
  }

  get size() {
    return this.#index.size;
  }

  keys() {
    return this.#index.keys();
  }

  async get(key) {
    const found = this.#index.get(key);
    if (found === undefined) return undefined;
    const value = Buffer.alloc(found.size);
    const count = await this.#log.read(value, { position: found.position });
    if (count < found.size) throw new Error(`The log ends inside the value of ${key}`);
    return value;
  }

  /** Resolves when the value is on the disk. */
  async set(key, value) {
    const record = encode(key, value);
    const position = await this.#log.append(record, { sync: 'data' });
    const size = value.length;
    this.#index.set(key, { position: position + record.length - size, size });
  }

  /** Resolves when it is on the disk that there is no value any more. */
  async delete(key) {
    await this.#log.append(encode(key, null), { sync: 'data' });
    this.#index.delete(key);
  }

  async close() {
    await this.#log.close();
  }

  async #replay() {
    const { size } = await this.#log.stat();
    let buffer = Buffer.alloc(0);
    let start = 0;
    for (;;) {
      const at = this.#replayBuffer(buffer, start);
      buffer = buffer.subarray(at);
      start += at;
      const chunk = Buffer.alloc(READ_SIZE);
      const count = await this.#log.read(chunk, { position: start + buffer.length });
      if (count === 0) break;
      buffer = Buffer.concat([buffer, chunk.subarray(0, count)]);
    }
    this.cut = size - start;
    if (this.cut === 0) return;
    await this.#log.truncate(start);
    await this.#log.sync();
  }

  /** Takes in the whole records at the front of `buffer`. Returns where they end. */
  #replayBuffer(buffer, start) {
    let at = 0;
    for (;;) {
      const record = decode(buffer, at);
      if (record === null) return at;
      const { key, valueAt, valueSize, end } = record;
      if (valueSize === DELETED) this.#index.delete(key);
      else this.#index.set(key, { position: start + valueAt, size: valueSize });
      at = end;
    }
  }
}

function encode(key, value) {
  const name = Buffer.from(key);
  const record = Buffer.alloc(HEADER_SIZE + name.length + (value?.length ?? 0));
  record.writeUInt32LE(name.length, 4);
  record.writeUInt32LE(value === null ? DELETED : value.length, 8);
  record.set(name, HEADER_SIZE);
  if (value !== null) record.set(value, HEADER_SIZE + name.length);
  record.writeUInt32LE(crc32(record.subarray(4)), 0);
  return record;
}

/** The record at `at`, or nothing where none is whole. */
function decode(buffer, at) {
  if (at + HEADER_SIZE > buffer.length) return null;
  const keySize = buffer.readUInt32LE(at + 4);
  const valueSize = buffer.readUInt32LE(at + 8);
  const valueAt = at + HEADER_SIZE + keySize;
  const end = valueAt + (valueSize === DELETED ? 0 : valueSize);
  if (end > buffer.length) return null;
  if (crc32(buffer.subarray(at + 4, end)) !== buffer.readUInt32LE(at)) return null;
  return { key: buffer.toString('utf8', at + HEADER_SIZE, valueAt), valueAt, valueSize, end };
}
