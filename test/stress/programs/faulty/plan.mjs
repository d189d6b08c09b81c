/**
 * What becomes of connection number N, and which bytes it carries: both ends know it from the seed
 * and the number alone.
 *
 * A connection begins with its number (4 bytes), then come bytes that are its own at each place, so
 * that one that is lost, repeated, out of order or another connection's shows where it arrives.
 */

import { generator } from '../stage.mjs';

/** How the other end is made: the port it listens on. */
const FORMS = ['net', 'promise', 'callback'];

/** What happens; `end` of what is not orderly comes at a random byte. */
const FATES = {
  orderly: 6,
  'slow client': 2,
  'slow server': 2,
  'client resets': 2,
  'client destroys': 2,
  'client aborts': 2,
  'client never reads': 1,
  'server resets': 2,
  'server destroys': 2,
  'connect is aborted': 1,
};

const ORDERLY = new Set(['orderly', 'slow client', 'slow server']);
const HEADER_SIZE = 4;
/** A prime: no two connections have the same bytes at the same place for long. */
const PATTERN_SIZE = 65_521;
const PATTERN = (() => {
  const { below } = generator(4711);
  const once = Buffer.from(Array.from({ length: PATTERN_SIZE }, () => below(256)));
  return Buffer.concat([once, once]);
})();

const lottery = Object.entries(FATES).flatMap(([fate, tickets]) => Array(tickets).fill(fate));

export function planOf(seed, id) {
  const random = generator(seed * 1_000_003 + id);
  const fate = lottery[random.below(lottery.length)];
  const isLarge = random.below(20) === 0 || fate === 'client never reads';
  const size = HEADER_SIZE + 1 + random.below(isLarge ? 400_000 : 12_000);
  return {
    id,
    fate,
    isOrderly: ORDERLY.has(fate),
    size,
    /** Where what is not orderly ends. */
    cutAt: random.below(size),
    form: FORMS[random.below(FORMS.length)],
    isPromise: random.below(2) === 0,
    isPiped: random.below(2) === 0,
    random,
  };
}

/** The bytes from one place to another. */
export function bytesOf(id, from, to) {
  const bytes = Buffer.allocUnsafe(to - from);
  const header = Buffer.alloc(HEADER_SIZE);
  header.writeUInt32LE(id);
  let at = from;
  for (; at < Math.min(to, HEADER_SIZE); at += 1) bytes[at - from] = header[at];
  while (at < to) {
    const start = patternAt(id, at);
    const length = Math.min(to - at, PATTERN_SIZE);
    PATTERN.copy(bytes, at - from, start, start + length);
    at += length;
  }
  return bytes;
}

function patternAt(id, at) {
  return (id * 7919 + at) % PATTERN_SIZE;
}

/** Compares what arrives with what must; without a number it takes that of the first bytes. */
export class Track {
  size = 0;
  problem = null;
  #header = Buffer.alloc(0);

  constructor(id = null) {
    this.id = id;
  }

  take(chunk) {
    if (this.id === null) {
      chunk = Buffer.concat([this.#header, chunk]);
      this.#header = chunk;
      if (chunk.length < HEADER_SIZE) return;
      this.id = chunk.readUInt32LE();
    }
    const expected = bytesOf(this.id, this.size, this.size + chunk.length);
    if (!expected.equals(chunk)) this.problem ??= `foreign bytes in ${this.id} after ${this.size}`;
    this.size += chunk.length;
  }
}
