/**
 * Deadlines in order: a binary min-heap of timers, ties by insertion.
 *
 * Each timer knows its place, so that it can be removed from the middle in O(log n). The heap
 * holds no clock and runs nothing: it answers which deadline is next and gives up what is due.
 *
 *   index:     0          parent of i: (i - 1) >> 1
 *            1   2        children:    2i + 1, 2i + 2
 *           3 4 5 6
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

export class TimerHeap {
  readonly #timers: Timer[] = [];
  /** Timers in the heap that keep the process alive. */
  referenced = 0;
  #sequence = 0;

  get size(): number {
    return this.#timers.length;
  }

  /** The earliest deadline in milliseconds, or `Infinity`. */
  get nextDeadlineMs(): number {
    const first = this.#timers[0];
    return first === undefined ? Infinity : first.deadlineMs;
  }

  /** Adds a timer that is not in a heap. */
  add(timer: Timer): void {
    timer.sequence = this.#sequence;
    this.#sequence += 1;
    if (timer.isReferenced) this.referenced += 1;
    this.#timers.push(timer);
    this.#siftUp(timer, this.#timers.length - 1);
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
    let at = from;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = this.#timers[up];
      if (parent === undefined || !isBefore(timer, parent)) break;
      this.#place(parent, at);
      at = up;
    }
    this.#place(timer, at);
  }

  #siftDown(timer: Timer, from: number): void {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      let child = this.#timers[left];
      if (child === undefined) break;
      const right = this.#timers[left + 1];
      if (right !== undefined && isBefore(right, child)) child = right;
      if (!isBefore(child, timer)) break;
      const down = child.index;
      this.#place(child, at);
      at = down;
    }
    this.#place(timer, at);
  }

  #place(timer: Timer, at: number): void {
    this.#timers[at] = timer;
    timer.index = at;
  }
}

function isBefore(left: Timer, right: Timer): boolean {
  if (left.deadlineMs !== right.deadlineMs) return left.deadlineMs < right.deadlineMs;
  return left.sequence < right.sequence;
}
