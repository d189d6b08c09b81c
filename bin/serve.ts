/**
 * `onering serve`: reads the arguments, serves a folder until a signal comes, and says in one line
 * what happens. What requests get is decided in `serve/`.
 *
 * Exit codes: 0 after a signal, 1 when it cannot serve, 2 for arguments that make no sense.
 */

import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { runtime } from '../src/io/index.ts';
import type { Runtime } from '../src/io/index.ts';
import {
  codeOf,
  describeError,
  describeFolderFailure,
  describeListenFailure,
} from './serve/failures.ts';
import { Crew } from './serve/crew.ts';
import type { ThreadMetrics } from './serve/crew-messages.ts';
import { SiteServer } from './serve/server.ts';
import { Site } from './serve/site.ts';

const usage = `Usage: onering serve DIR [--port N] [--host H] [--workers N [--balance]]

Serves the files in DIR over HTTP. Sockets and file contents go through an io_uring.

  --port N   port to listen on, 0 for any free one (default: 8080)
  --host H   address or name to listen on (default: 127.0.0.1)
  --workers N  threads that serve, each with a ring of its own; the kernel spreads connections
  --balance  with --workers: one thread accepts and gives connections out in turn

/-/metrics shows the runtime's counters as JSON. SIGINT and SIGTERM end the server when it has
answered what it was asked; a second one ends it at once.
`;

interface ServeArguments {
  readonly folder: string;
  readonly hostname: string;
  readonly port: number;
  /** 0 is none: this thread serves. */
  readonly workers: number;
  readonly isBalanced: boolean;
}

/** More threads than any machine has processors for is a slip of the finger. */
const workersMax = 1024;

/** A failure that is told in one line. */
class ServeError extends Error {
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Runs `onering serve`.
 *
 * @param args - what follows `serve` on the command line.
 * @returns the exit code, when the server has ended and nothing of it is left.
 */
export async function serveCommand(args: string[]): Promise<number> {
  try {
    const parsed = parseServeArguments(args);
    if (parsed === 'help') process.stdout.write(usage);
    else await serve(parsed);
    return 0;
  } catch (error) {
    if (!(error instanceof ServeError)) throw error;
    complain(error.message);
    return error.exitCode;
  }
}

/** Reads and checks the arguments; what `parseArgs` throws is the dispatcher's to tell. */
function parseServeArguments(args: string[]): ServeArguments | 'help' {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      port: { type: 'string', default: '8080' },
      host: { type: 'string', default: '127.0.0.1' },
      workers: { type: 'string', default: '0' },
      balance: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return 'help';
  const [folder, surplus] = positionals;
  if (folder === undefined || folder === '') {
    throw new ServeError('Name the folder to serve: onering serve DIR', 2);
  }
  if (surplus !== undefined) {
    throw new ServeError(`One folder at a time, and '${surplus}' is a second one`, 2);
  }
  const port = Number(values.port);
  if (!/^\d{1,5}$/.test(values.port) || port > 65_535) {
    throw new ServeError(`--port must be a number from 0 to 65535, not '${values.port}'`, 2);
  }
  if (values.host === '') throw new ServeError('--host must not be empty', 2);
  const workers = Number(values.workers);
  if (!/^\d{1,4}$/.test(values.workers) || workers > workersMax) {
    throw new ServeError(`--workers must be a number up to 1024, not '${values.workers}'`, 2);
  }
  if (values.balance && workers === 0) throw new ServeError('--balance needs --workers', 2);
  return { folder, hostname: values.host, port, workers, isBalanced: values.balance };
}

async function serve(given: ServeArguments): Promise<void> {
  const ring = openRuntime();
  try {
    if (given.workers > 0) await serveWithCrew(ring, given);
    else await serveAlone(ring, given);
  } finally {
    await ring.close();
  }
}

async function serveAlone(ring: Runtime, given: ServeArguments): Promise<void> {
  const { folder } = given;
  let server: SiteServer | null = null;
  await using site = await openSite(folder, () => ({
    ...ring.metrics(),
    reason: ring.reason?.message ?? null,
    server: server?.metrics(),
  }));
  server = await listen(site, given);
  const backend = ring.reason === null ? 'io_uring' : `libuv: ${ring.reason.message}`;
  await runUntilSignal(server, announcementOf(folder, server.url, backend));
}

async function serveWithCrew(ring: Runtime, given: ServeArguments): Promise<void> {
  const { folder, hostname, port, workers, isBalanced } = given;
  if (ring.reason !== null) {
    throw new ServeError(`--workers needs io_uring: ${ring.reason.message}`);
  }
  const metrics = (): ThreadMetrics => ({ ...ring.metrics(), reason: null });
  const onComplaint = complain;
  let crew: Crew;
  try {
    crew = await Crew.start({ ...given, metrics, onComplaint });
  } catch (error) {
    // Listening fails with a code, a worker with a message for people.
    if (codeOf(error) !== '') throw new ServeError(describeListenFailure(error, hostname, port));
    throw new ServeError(describeError(error));
  }
  const how = isBalanced ? ', connections given out in turn' : '';
  const backend = `io_uring, ${workers} workers${how}`;
  await runUntilSignal(crew, announcementOf(folder, crew.url, backend));
}

function announcementOf(folder: string, url: string, how: string): string {
  return `Serving ${folder} at ${url} (${how})\n`;
}

function openRuntime(): Runtime {
  try {
    return runtime();
  } catch (error) {
    // ONERING_BACKEND asks for what does not exist, or not here.
    if (codeOf(error) === '') throw error;
    throw new ServeError(describeError(error));
  }
}

async function openSite(folder: string, metrics: () => object): Promise<Site> {
  try {
    return await Site.open(folder, { metrics, onFailure: complainAbout });
  } catch (error) {
    throw new ServeError(describeFolderFailure(error, folder));
  }
}

async function listen(site: Site, { hostname, port }: ServeArguments): Promise<SiteServer> {
  try {
    return await SiteServer.start({ site, onFailure: complainAbout }, { hostname, port });
  } catch (error) {
    throw new ServeError(describeListenFailure(error, hostname, port));
  }
}

/**
 * Returns when a signal has come and the server has stopped; a second one ends the process. What
 * announces the server is said when signals are heard: whoever reads it may send one at once.
 */
async function runUntilSignal(server: SiteServer | Crew, announcement: string): Promise<void> {
  let onSignal: (signal: NodeJS.Signals) => void = () => {};
  const signaled = new Promise<void>((resolve) => {
    let isFirst = true;
    onSignal = (signal) => {
      if (!isFirst) process.exit(128 + constants.signals[signal]);
      isFirst = false;
      resolve();
    };
  });
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  process.stdout.write(announcement);
  try {
    await Promise.race([signaled, server.accepting]);
  } catch (error) {
    throw new ServeError(`Cannot accept connections: ${describeError(error)}`);
  } finally {
    const cutCount = await server.stop();
    if (cutCount > 0) complain(`Connections that were cut because they took too long: ${cutCount}`);
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function complainAbout(error: unknown, what: string): void {
  complain(`${what}: ${describeError(error)}`);
}

function complain(message: string): void {
  process.stderr.write(`onering serve: ${message}\n`);
}
