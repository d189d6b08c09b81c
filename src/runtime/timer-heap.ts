/**
 * Deadlines in order: a min-heap of timers with four children to a node, ties by insertion.
 *
 * Each timer knows its place, so that it can be removed from the middle in O(log n). The heap
 * holds no clock and runs nothing: it answers which deadline is next and gives up what is due.
 *
 * Deadlines and sequences lie beside each other in arrays of numbers, as they are compared: with a
 * hundred thousand timers, looking into the objects would be a cache miss for each comparison.
 *
 *   index:        0                 parent of i: (i - 1) >> 2
 *          1    2    3    4         children:    4i + 1 to 4i + 4
 */

/** One deadline. Made by the caller, placed by the heap. */
export class Timer {
  /** When it is due: milliseconds, fractional, on the runtime's clock. */
  deadlineMs: number;
  /** Called when it is due, with the timer itself. */
  fire: (timer: Timer) => void;
  /** What `fire` works on. */
  context: unknown;
  /** Whether it keeps the process alive. */
  isReferenced: boolean;
  /** Place in the heap, -1 outside of it. */
  index: number;
  /** Insertion order: decides between equal deadlines. */
  sequence: number;
  /** The timer of Node's that stands in for it when the runtime has ended. */
  substitute: NodeJS.Timeout | null;

  constructor(deadlineMs: number, fire: (timer: Timer) => void, context: unknown) {
    this.deadlineMs = deadlineMs;
    this.fire = fire;
    this.context = context;
    this.isReferenced = true;
    this.index = -1;
    this.sequence = 0;
    this.substitute = null;
  }
}

/** Room for this many timers to begin with. */
const ROOM = 64;
/** Words of one place in the array of keys: deadline and sequence. */
const KEY_WORDS = 2;

export class TimerHeap {
  /** Timers in the heap that keep the process alive. */
  referenced = 0;
  readonly #timers: Timer[] = [];
  /** Deadline and sequence of each timer, in the order of `#timers`. */
  #keys: Float64Array = new Float64Array(ROOM * KEY_WORDS);
  #sequence = 0;

  get size(): number {
    return this.#timers.length;
  }

  /** The earliest deadline in milliseconds, or `Infinity`. */
  get nextDeadlineMs(): number {
    return this.#timers.length === 0 ? Infinity : (this.#keys[0] ?? Infinity);
  }

  /** Adds a timer that is not in a heap. Its deadline stays what it is until it is out again. */
  add(timer: Timer): void {
    timer.sequence = this.#sequence;
    this.#sequence += 1;
    if (timer.isReferenced) this.referenced += 1;
    const at = this.#timers.length;
    this.#timers.push(timer);
    if (at * KEY_WORDS === this.#keys.length) this.#grow();
    this.#siftUp(timer, at);
  }

  /** Removes a timer, wherever it is. Returns whether it was in the heap. */
  remove(timer: Timer): boolean {
    const at = timer.index;
    if (at < 0 || this.#timers[at] !== timer) return false;
    timer.index = -1;
    if (timer.isReferenced) this.referenced -= 1;
    const last = this.#timers.pop();
    if (last === undefined || last === timer) return true;
    this.#siftUp(last, at);
    if (last.index === at) this.#siftDown(last, at);
    return true;
  }

  /** What the next timer's `sequence` will be. */
  get nextSequence(): number {
    return this.#sequence;
  }

  /** Takes the earliest timer if it is due and was added before `sequence`. */
  takeDue(nowMs: number, sequence: number): Timer | undefined {
    const first = this.#timers[0];
    if (first === undefined || first.deadlineMs > nowMs) return undefined;
    if (first.sequence >= sequence) return undefined;
    this.remove(first);
    return first;
  }

  /** Changes whether a timer keeps the process alive, in the heap or outside of it. */
  setReferenced(timer: Timer, isReferenced: boolean): void {
    if (timer.isReferenced === isReferenced) return;
    timer.isReferenced = isReferenced;
    if (timer.index >= 0) this.referenced += isReferenced ? 1 : -1;
  }

  #siftUp(timer: Timer, from: number): void {
    const { deadlineMs, sequence } = timer;
    let at = from;
    while (at > 0) {
      const up = (at - 1) >> 2;
      if (!this.#isAfter(up, deadlineMs, sequence)) break;
      this.#move(up, at);
      at = up;
    }
    this.#place(timer, at);
  }

  #siftDown(timer: Timer, from: number): void {
    const { deadlineMs, sequence } = timer;
    const size = this.#timers.length;
    let at = from;
    for (;;) {
      const first = 4 * at + 1;
      if (first >= size) break;
      const child = this.#earliest(first, Math.min(first + 4, size));
      if (this.#isAfter(child, deadlineMs, sequence)) break;
      this.#move(child, at);
      at = child;
    }
    this.#place(timer, at);
  }

  /** Which of neighboring places is due first. */
  #earliest(first: number, end: number): number {
    const keys = this.#keys;
    let best = first;
    let deadlineMs = keys[best * KEY_WORDS] ?? 0;
    for (let at = first + 1; at < end; at += 1) {
      const other = keys[at * KEY_WORDS] ?? 0;
      const isEarlier =
        other < deadlineMs ||
        (other === deadlineMs &&
          (keys[at * KEY_WORDS + 1] ?? 0) < (keys[best * KEY_WORDS + 1] ?? 0));
      if (!isEarlier) continue;
      best = at;
      deadlineMs = other;
    }
    return best;
  }

  /** Whether what is at a place comes after a key. */
  #isAfter(at: number, deadlineMs: number, sequence: number): boolean {
    const other = this.#keys[at * KEY_WORDS] ?? 0;
    if (other !== deadlineMs) return other > deadlineMs;
    return (this.#keys[at * KEY_WORDS + 1] ?? 0) > sequence;
  }

  #move(from: number, to: number): void {
    const timer = this.#timers[from];
    if (timer === undefined) return;
    this.#timers[to] = timer;
    timer.index = to;
    const keys = this.#keys;
    keys[to * KEY_WORDS] = keys[from * KEY_WORDS] ?? 0;
    keys[to * KEY_WORDS + 1] = keys[from * KEY_WORDS + 1] ?? 0;
  }

  #place(timer: Timer, at: number): void {
    this.#timers[at] = timer;
    this.#keys[at * KEY_WORDS] = timer.deadlineMs;
    this.#keys[at * KEY_WORDS + 1] = timer.sequence;
    timer.index = at;
  }

  #grow(): void {
    const grown = new Float64Array(this.#keys.length * 2);
    grown.set(this.#keys);
    this.#keys = grown;
  }
}
