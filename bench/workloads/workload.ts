/**
 * The words of what runs inside of a worker process: a workload makes work out of a driver.
 *
 * One workload serves all drivers, so that everybody does the same. A driver says in which style it
 * is used, by promise or by callback; `start` is called in either, and passes on what the driver
 * gives. All of it runs under Bun and Deno too: imports of `onering` stay in its drivers.
 */

/** How an operation reports back when the driver is used by callback. */
export type Done = (error: unknown, result: unknown) => void;

/** A promise of the result, or nothing where `done` is called instead. */
export type Started = Promise<unknown> | undefined;

export type Style = 'promise' | 'callback';

/** Sizes of a run, as the scenario passes them on the command line. */
export interface Parameters {
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly depth: number;
  /** Operations a second; 0 for a closed loop. */
  readonly rate: number;
  /** One operation in so many is timed. */
  readonly stride: number;
  /** A file or a folder. */
  readonly path: string;
  /** Bytes of an operation. */
  readonly size: number;
  /** Places in the file, or files in the folder. */
  readonly count: number;
  readonly isDirect: boolean;
}

/** Something to be done again and again. */
export interface Work {
  readonly style: Style;
  readonly lanes: number;
  /** Starts operation `number`. The lane's memory is its own until the operation is over. */
  start(number: number, lane: number, done: Done): Started;
  /** Looks at what an operation has done: what it adds to the checksum. */
  check(number: number, lane: number, result: unknown): number;
  /** Lets go of everything. */
  finish(): Promise<void>;
}

/** Makes work that is done with a driver of its kind. */
export type Workload<D> = (driver: D, parameters: Parameters) => Promise<Work>;
