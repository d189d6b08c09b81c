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
import { SiteServer } from './serve/server.ts';
import { Site } from './serve/site.ts';

const usage = `Usage: onering serve DIR [--port N] [--host H]

Serves the files in DIR over HTTP. Sockets and file contents go through an io_uring.

  --port N   port to listen on, 0 for any free one (default: 8080)
  --host H   address or name to listen on (default: 127.0.0.1)

/-/metrics shows the runtime's counters as JSON. SIGINT and SIGTERM end the server when it has
answered what it was asked; a second one ends it at once.
`;

interface ServeArguments {
  readonly folder: string;
  readonly hostname: string;
  readonly port: number;
}

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
  return { folder, hostname: values.host, port };
}

async function serve({ folder, hostname, port }: ServeArguments): Promise<void> {
  const ring = openRuntime();
  let server: SiteServer | null = null;
  try {
    await using site = await openSite(folder, () => ({
      ...ring.metrics(),
      reason: ring.reason?.message ?? null,
      server: server?.metrics(),
    }));
    server = await listen(site, hostname, port);
    const backend = ring.reason === null ? 'io_uring' : `libuv: ${ring.reason.message}`;
    await runUntilSignal(server, `Serving ${folder} at ${server.url} (${backend})\n`);
  } finally {
    await ring.close();
  }
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

async function listen(site: Site, hostname: string, port: number): Promise<SiteServer> {
  try {
    return await SiteServer.start({ site, hostname, port, onFailure: complainAbout });
  } catch (error) {
    throw new ServeError(describeListenFailure(error, hostname, port));
  }
}

/**
 * Returns when a signal has come and the server has stopped; a second one ends the process. What
 * announces the server is said when signals are heard: whoever reads it may send one at once.
 */
async function runUntilSignal(server: SiteServer, announcement: string): Promise<void> {
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
