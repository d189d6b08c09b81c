/**
 * A bound on chains: linked operations that open a file into a slot of the registered table, use
 * it and close it. Each holds a slot and a block of memory, and may hold a kernel worker; callers
 * beyond the bound wait in the order in which they came.
 *
 * It knows nothing of what a chain does. Hot path: no allocation, no closures per chain.
 */

import { SystemError } from '../../runtime/index.ts';
import type { FileTable, Runtime } from '../../runtime/index.ts';

/** Enough to keep a disk busy, few enough for the slots and the workers that chains hold. */
const CHAINS_MAX = 64;

/** What waits at the gate. */
export interface Chain {
  /** The one that came next. */
  nextWaiting: Chain | null;
  /** Begins; says whether it will call `leave()`, or is over already. Does not throw. */
  start(): boolean;
}

const gates = new WeakMap<Runtime, ChainGate>();

export class ChainGate {
  readonly #runtime: Runtime;
  #slots: FileTable | null | undefined = undefined;
  #running = 0;
  #first: Chain | null = null;
  #last: Chain | null = null;

  private constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** The gate that all chains of a runtime share. */
  static of(runtime: Runtime): ChainGate {
    let gate = gates.get(runtime);
    if (gate === undefined) {
      gate = new ChainGate(runtime);
      gates.set(runtime, gate);
    }
    return gate;
  }

  /** Chains that have started and not left. */
  get running(): number {
    return this.#running;
  }

  /**
   * Registered files. `null` where the process may not have that many (RLIMIT_NOFILE), and where
   * the kernel would close them late (before Linux 6.13): each step is then a submission of its
   * own.
   */
  get slots(): FileTable | null {
    if (this.#slots === undefined) this.#slots = tableOf(this.#runtime);
    return this.#slots;
  }

  /** Starts a chain, now or when its turn comes. */
  enter(chain: Chain): void {
    if (this.#running < CHAINS_MAX) {
      this.#running += 1;
      if (!chain.start()) this.leave();
      return;
    }
    if (this.#last === null) this.#first = chain;
    else this.#last.nextWaiting = chain;
    this.#last = chain;
  }

  /** A chain is over: the next one takes its place. */
  leave(): void {
    for (;;) {
      const chain = this.#first;
      if (chain === null) {
        this.#running -= 1;
        return;
      }
      this.#first = chain.nextWaiting;
      if (this.#first === null) this.#last = null;
      chain.nextWaiting = null;
      if (chain.start()) return;
    }
  }
}

function tableOf(runtime: Runtime): FileTable | null {
  try {
    const { files } = runtime;
    return files.closesAtOnce ? files : null;
  } catch (error) {
    if (error instanceof SystemError) return null;
    throw error;
  }
}
