/**
 * One run of a server under a load generator: what all scenarios with sockets share.
 *
 * The server is started, says its port, is driven by one load generator for everybody, and ended by
 * SIGTERM. Server and load each have a CPU of their own where there are two. A server that has
 * failed explains why its load did.
 */

import { Child, numberIn } from '../child.ts';
import { driverPath, hasExport } from '../paths.ts';
import { sampleOfLoad } from '../sampling.ts';
import type { Reading } from '../sampling.ts';
import type { Bench, Contender, Family, Sample } from '../scenario.ts';
import type { SyscallCounter } from '../syscall-counter.ts';

const READY_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 10_000;
const LOAD_GRACE_MS = 30_000;

/** The load of one case. */
export interface Load {
  readonly program: string;
  /** Arguments, given the port. */
  arguments(port: number): readonly string[];
  readonly reading: Reading;
}

/** Runs both, once. */
export async function serveOnce(
  bench: Bench,
  contender: Contender,
  load: Load,
  counter: SyscallCounter | null,
): Promise<Sample> {
  const { settings, pinning } = bench;
  const { command, env = {} } = contender;
  const server = new Child(command ?? [], { cpu: pinning?.server ?? null, env });
  const port = numberIn(await server.firstLine(READY_LIMIT_MS), 'port');
  const attached = counter === null ? null : await counter.attach(server.pid);
  const times = ['--warmup', String(counter === null ? settings.serverWarmupSeconds : 0)];
  const watched = ['--server-pid', String(server.pid)];
  const client = new Child([load.program, ...load.arguments(port), ...times, ...watched], {
    cpu: pinning?.load ?? null,
  });
  const limitMs = (settings.seconds + settings.serverWarmupSeconds) * 1000 + LOAD_GRACE_MS;
  try {
    const figures = await client.lastLine(limitMs);
    const syscalls = attached === null ? null : await attached.stop();
    const own = await server.lastLine(STOP_LIMIT_MS, 'SIGTERM');
    return sampleOfLoad(figures, own, load.reading, syscalls);
  } catch (error) {
    await attached?.stop();
    await server.lastLine(STOP_LIMIT_MS, 'SIGTERM');
    throw error;
  }
}

/** A server among the drivers: its name in the table, whose it is, where it is. */
export interface ServerDriver {
  readonly name: string;
  readonly family: Family;
  readonly driver: string;
  /** Options of its runtime. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** The command lines of servers in JavaScript; null for what is not here, or not offered yet. */
export function serverContenders(
  { programs }: Bench,
  drivers: readonly ServerDriver[],
): Contender[] {
  return drivers.map(({ name, family, driver, options = {} }) => {
    const program = programOf(programs, family);
    const flags = family === 'deno' ? ['run', '-A'] : [];
    const isOffered = !driver.includes('/net-') || hasExport('./net');
    const command =
      program === null || !isOffered
        ? null
        : [program.path, ...flags, driverPath(driver), JSON.stringify(options)];
    return { name, family, command };
  });
}

function programOf(programs: Bench['programs'], family: Family): { path: string } | null {
  if (family === 'bun') return programs.bun;
  if (family === 'deno') return programs.deno;
  return programs.node;
}
