/**
 * What the drivers of messages between threads have in common: what is sent, how it is recognized,
 * and what the receiving thread tells in the end.
 *
 * Messages are numbered from 0. The receiver adds up the numbers of those that came in their turn
 * and are right, so a message that is lost, doubled or changed spoils the sum. What is sent is made
 * before the run, as far as it can be: the figure is what sending costs.
 */

const TEXTS = Array.from({ length: 4096 }, (_, index) => `a message of the number ${index}`);
const SMALL = patterns(64);
const LARGE = patterns(1024);

interface Kind {
  readonly make: (index: number) => unknown;
  readonly isRight: (message: unknown, index: number) => boolean;
}

const kinds: Readonly<Record<string, Kind>> = {
  number: { make: (index) => index, isRight: (message, index) => message === index },
  string: {
    make: (index) => TEXTS[index & 4095],
    isRight: (message, index) => message === TEXTS[index & 4095],
  },
  object: {
    make: (index) => ({ id: index, op: 'read', path: '/etc/passwd', size: 4096 }),
    isRight: (message, index) => {
      const { id, path } = message as { id: number; path: string };
      return id === index && path.length === 11;
    },
  },
  bytes64: { make: (index) => SMALL[index & 0xff], isRight: isPattern },
  bytes1024: { make: (index) => LARGE[index & 0xff], isRight: isPattern },
};

/** What is sent, by its name on the command line. */
export function kindOf(name: string | null): Kind {
  const kind = kinds[name ?? ''];
  if (kind === undefined) throw new RangeError(`--kind=${Object.keys(kinds).join('|')}`);
  return kind;
}

/** What ends a stream; the receiver answers with its count. */
export const END = 'end';

/** What came, as the receiver saw it. */
export interface Tally {
  readonly completions: number;
  readonly checksum: number;
}

/** Counts in the receiving thread. */
export class Counter {
  #completions = 0;
  #checksum = 0;
  readonly #kind: Kind;

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  get count(): number {
    return this.#completions;
  }

  take(message: unknown): void {
    if (this.#kind.isRight(message, this.#completions)) {
      this.#checksum = (this.#checksum + this.#completions) | 0;
    }
    this.#completions += 1;
  }

  tally(): Tally {
    return { completions: this.#completions, checksum: this.#checksum >>> 0 };
  }
}

function patterns(size: number): Uint8Array[] {
  return Array.from({ length: 256 }, (_, byte) => new Uint8Array(size).fill(byte));
}

function isPattern(message: unknown, index: number): boolean {
  const bytes = message as Uint8Array;
  return bytes[0] === (index & 0xff) && bytes.at(-1) === (index & 0xff);
}
