/**
 * `struct epoll_event`: the events and 64 bits of the caller's, here as two halves.
 *
 * Packed into 12 bytes on x86-64, 16 bytes with a hole after the events elsewhere.
 * `IORING_OP_EPOLL_CTL` takes one, `IORING_OP_EPOLL_WAIT` fills an array of them.
 */

const isPacked = process.arch === 'x64';

export const EPOLL_EVENT_SIZE: number = isPacked ? 12 : 16;
const DATA_WORD = isPacked ? 1 : 2;

/** One event: `EPOLL*` bits and the data that was given for the descriptor. */
export interface EpollEvent {
  readonly events: number;
  readonly dataLow: number;
  readonly dataHigh: number;
}

/** Writes an event at a word index. */
export function writeEpollEvent(words: Int32Array, at: number, event: EpollEvent): void {
  words[at] = event.events;
  words[at + 1] = 0;
  words[at + DATA_WORD] = event.dataLow;
  words[at + DATA_WORD + 1] = event.dataHigh;
}

/** Reads the event at a word index. */
export function readEpollEvent(words: Int32Array, at: number): EpollEvent {
  return {
    events: (words[at] ?? 0) >>> 0,
    dataLow: words[at + DATA_WORD] ?? 0,
    dataHigh: words[at + DATA_WORD + 1] ?? 0,
  };
}
