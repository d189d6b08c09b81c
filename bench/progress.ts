/**
 * The progress bar: how much is done, what runs now, and how long the rest will take.
 *
 * Drawn on standard error, and only on a terminal: what is printed can be piped as it is. The time
 * left is the plan's, corrected by how long the runs so far have taken in truth.
 */

const BAR_WIDTH = 24;
const ERASE_LINE = '\r\u001B[K';

/** What a bar draws on: standard error, or something that stands in for it. */
export interface ProgressTarget {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export class Progress {
  readonly #target: ProgressTarget;
  readonly #totalSeconds: number;
  readonly #now: () => number;
  #doneSeconds = 0;
  #spentMs = 0;
  #startMs = 0;

  /** `totalSeconds` is the plan; `now` gives milliseconds. */
  constructor(target: ProgressTarget, totalSeconds: number, now: () => number) {
    this.#target = target;
    this.#totalSeconds = totalSeconds;
    this.#now = now;
  }

  /** A run begins. */
  begin(what: string): void {
    this.#startMs = this.#now();
    if (this.#target.isTTY !== true) return;
    const share = Math.min(1, this.#doneSeconds / this.#totalSeconds);
    const filled = Math.round(share * BAR_WIDTH);
    const bar = `${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}`;
    const line = `[${bar}] ${formatLeft(this.leftSeconds)} · ${what}`;
    this.#target.write(`${ERASE_LINE}${line.slice(0, (this.#target.columns ?? 80) - 1)}`);
  }

  /** A run that was planned to take so long is over. */
  end(plannedSeconds: number): void {
    this.#doneSeconds += plannedSeconds;
    this.#spentMs += this.#now() - this.#startMs;
  }

  /** Takes the bar away, so that something else can be printed. */
  clear(): void {
    if (this.#target.isTTY === true) this.#target.write(ERASE_LINE);
  }

  get leftSeconds(): number {
    const planned = Math.max(0, this.#totalSeconds - this.#doneSeconds);
    return this.#doneSeconds === 0 ? planned : (planned * this.#spentMs) / 1000 / this.#doneSeconds;
  }
}

function formatLeft(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s left`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes} min ${Math.ceil(seconds % 60)} s left`;
}
