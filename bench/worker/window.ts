/**
 * The measured window of a run: warm-up before it, clocks at both its ends, figures out of it.
 *
 * Work tells it about completions; it reads the clock at one in `stride` of them and times those.
 * `completions` and `checksum` cover everything since the start, since that is what must have been
 * done; `operations`, seconds, CPU time and switches cover the window alone. CPU time is that of
 * the process with all its threads, kernel workers of a ring included. Runs under Bun and Deno.
 */

import { readFileSync } from 'node:fs';
import { Histogram } from '../histogram.ts';
import { TimerProbe } from './timer-probe.ts';

/** What a run is told about its time. */
export interface WindowOptions {
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** One operation in so many is timed. */
  readonly stride: number;
  /** Operations a second, started when they are due; 0 for a closed loop. */
  readonly rate: number;
}

interface Usage {
  readonly cpuMicros: number;
  readonly switches: number | null;
}

export class Window {
  /** Number of the next operation. */
  next = 0;
  completions = 0;
  checksum = 0;
  isStopping = false;
  readonly latencies: Histogram = new Histogram();
  readonly timer: TimerProbe;
  readonly stride: number;
  readonly #options: WindowOptions;
  #warmupEndMs = 0;
  #startMs = 0;
  #startCompletions = 0;
  #startUsage: Usage = { cpuMicros: 0, switches: null };
  #measured: Record<string, unknown> = {};

  constructor(options: WindowOptions, onBeat: ((dueMs: number) => void) | null = null) {
    this.#options = options;
    this.stride = options.stride;
    this.timer = new TimerProbe(onBeat);
  }

  /** Begins to warm up. */
  open(): void {
    this.#warmupEndMs = performance.now() + this.#options.warmupSeconds * 1000;
    this.timer.start();
  }

  /** Takes the number of the next operation. */
  take(): number {
    const number = this.next;
    this.next += 1;
    return number;
  }

  /** Whether this operation is one that is timed. */
  isTimed(number: number): boolean {
    return number % this.stride === 0;
  }

  /** Counts an operation that is over; `startMs` is 0 unless it is timed. */
  complete(word: number, startMs: number): void {
    this.checksum = (this.checksum + word) | 0;
    this.completions += 1;
    if (startMs === 0) return;
    const nowMs = performance.now();
    this.latencies.record(nowMs - startMs);
    this.#look(nowMs);
  }

  /** The same for whoever counts by itself, and times nothing. */
  look(completions: number): void {
    this.completions = completions;
    this.#look(performance.now());
  }

  /** The figures; to be asked for when nothing is in flight any more. */
  figures(): Record<string, unknown> {
    this.timer.stop();
    return {
      ...this.#measured,
      completions: this.completions,
      checksum: this.checksum >>> 0,
    };
  }

  #look(nowMs: number): void {
    if (this.isStopping) return;
    if (this.#startMs === 0) {
      if (nowMs < this.#warmupEndMs) return;
      this.latencies.reset();
      this.timer.reset();
      this.#startCompletions = this.completions;
      this.#startUsage = usage();
      this.#startMs = performance.now();
    } else if (nowMs >= this.#startMs + this.#options.seconds * 1000) {
      this.#finish(nowMs);
    }
  }

  #finish(nowMs: number): void {
    const { cpuMicros, switches } = usage();
    this.isStopping = true;
    const before = this.#startUsage;
    this.#measured = {
      operations: this.completions - this.#startCompletions,
      seconds: (nowMs - this.#startMs) / 1000,
      cpuSeconds: (cpuMicros - before.cpuMicros) / 1e6,
      switches: switches === null || before.switches === null ? null : switches - before.switches,
      latencyMicros: this.latencies.micros(),
      timerLateMicros: this.timer.micros(),
      peakBytes: peakBytes(),
    };
  }
}

/** Deno has no `resourceUsage` in some versions: then switches are not known. */
function usage(): Usage {
  const { user, system } = process.cpuUsage();
  let switches: number | null = null;
  try {
    switches = process.resourceUsage().voluntaryContextSwitches;
  } catch {
    // Not implemented there: the column says so.
  }
  return { cpuMicros: user + system, switches };
}

/**
 * Peak resident memory of this process so far, in bytes. Not `maxRSS` of `getrusage(2)`: that of
 * who started this process counts into it.
 */
export function peakBytes(): number | null {
  const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
  return kibibytes === undefined ? null : Number(kibibytes) * 1024;
}
