#!/usr/bin/env node
/**
 * The command `onering`: picks the subcommand and turns its outcome into an exit code.
 *
 * A wrong command or option is one line on standard error and exit code 2. What a subcommand does
 * and what else may go wrong in it is its own business.
 */

import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { benchCommand } from './bench.ts';
import { doctorCommand } from './doctor.ts';
import { serveCommand } from './serve.ts';

const usage = `Usage: onering <command> [options]

Commands:
  serve DIR   serve the files of a folder over HTTP
  doctor      show what this machine offers and what is used of it
  bench       compare with Node.js and others on this machine
  help        show this

Options:
  -h, --help     show this, or the options of a command
  -v, --version  show the version
`;

const commands: Record<string, (args: string[]) => Promise<number> | number> = {
  bench: benchCommand,
  doctor: doctorCommand,
  serve: serveCommand,
  help: printUsage,
};

/** A wrong command line. */
const EXIT_USAGE = 2;

async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  try {
    if (name === undefined) {
      process.stderr.write(usage);
      return EXIT_USAGE;
    }
    if (name.startsWith('-')) return printGlobal(args);
    if (Object.hasOwn(commands, name)) return (await commands[name]?.(rest)) ?? 0;
    return complain(`unknown command '${name}'`);
  } catch (error) {
    if (isUsageError(error)) return complain(firstSentence(error.message));
    throw error;
  }
}

/** Options without a command. */
function printGlobal(args: string[]): number {
  const { values } = parseArgs({
    args,
    options: {
      help: { type: 'boolean', short: 'h' },
      version: { type: 'boolean', short: 'v' },
    },
  });
  process.stdout.write(values.version === true ? `${version()}\n` : usage);
  return 0;
}

function printUsage(args: string[]): number {
  parseArgs({ args, options: {} });
  process.stdout.write(usage);
  return 0;
}

function version(): string {
  const manifest = createRequire(import.meta.url)('onering/package.json') as { version: string };
  return manifest.version;
}

function complain(message: string): number {
  process.stderr.write(`onering: ${message}; see onering help\n`);
  return EXIT_USAGE;
}

/** What `parseArgs` throws for a wrong command line. */
function isUsageError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_');
}

/** Node explains in further sentences how to escape a dash: too much for one line. */
function firstSentence(message: string): string {
  const sentence = message.split(/\.(?:\s|$)/, 1)[0] ?? message;
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

// A reader that has seen enough, as `head` does, is no reason for a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
process.exitCode = await main(process.argv.slice(2));
