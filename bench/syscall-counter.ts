/**
 * Counts the system calls of a running process, all its threads included.
 *
 * By `perf stat` where that works (root, or a lenient `perf_event_paranoid`), else by `strace -c`,
 * else not at all. Either changes what it looks at, strace by a factor of ten and more: that is why
 * counting is a run of its own, whose other figures are thrown away.
 */

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

const PERF = 'perf';
const STRACE = 'strace';
const EVENT = 'raw_syscalls:sys_enter';
const ATTACH_LIMIT_MS = 5_000;

/** A counter that is attached. */
export interface Attached {
  /** Ends counting and says how many there were; null if it cannot tell. */
  stop(): Promise<number | null>;
}

export class SyscallCounter {
  readonly name: 'perf' | 'strace';

  private constructor(name: 'perf' | 'strace') {
    this.name = name;
  }

  /** What works here; null if nothing does. */
  static find(): SyscallCounter | null {
    const perf = spawnSync(PERF, ['stat', '-x,', '-e', EVENT, 'true'], { encoding: 'utf8' });
    if (perf.status === 0 && /^\d+,/m.test(perf.stderr)) return new SyscallCounter('perf');
    const strace = spawnSync(STRACE, ['-f', '-c', '-o', '/dev/null', 'true']);
    return strace.status === 0 ? new SyscallCounter('strace') : null;
  }

  /** Attaches to a process; what it calls from now on counts. */
  attach(pid: number): Promise<Attached> {
    return this.name === 'perf' ? attachPerf(pid) : attachStrace(pid);
  }
}

/** perf says by itself when it is there: events begin disabled, and enabling them is confirmed. */
async function attachPerf(pid: number): Promise<Attached> {
  const settings = ['stat', '-x,', '-e', EVENT, '-p', String(pid), '--delay=-1'];
  const child = spawn(PERF, [...settings, '--control=fd:3,4'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  });
  const output = collect(child);
  const control = child.stdio[3] as Writable;
  const confirmation = child.stdio[4] as unknown as Readable;
  control.write('enable\n');
  await once(confirmation, 'data', { signal: AbortSignal.timeout(ATTACH_LIMIT_MS) });
  return {
    async stop() {
      await end(child);
      const count = /^(\d+),/m.exec(output())?.[1];
      return count === undefined ? null : Number(count);
    },
  };
}

async function attachStrace(pid: number): Promise<Attached> {
  const child = spawn(STRACE, ['-f', '-c', '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const output = collect(child);
  await once(child.stderr, 'data', { signal: AbortSignal.timeout(ATTACH_LIMIT_MS) });
  return {
    async stop() {
      await end(child);
      const count = /^\s*100\.00\s+\S+\s+\S*\s+(\d+)/m.exec(output())?.[1];
      return count === undefined ? null : Number(count);
    },
  };
}

function collect(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  return () => text;
}

/** Both print what they know when they are interrupted, and end when the process has. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGINT');
  await closed;
}
