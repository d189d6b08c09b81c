/**
 * The first program of a machine: runs `onering doctor` and then the other programs, one after the
 * other, and passes their lines on. What does not end by itself is ended and counted as failed.
 */

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { CheckLine, Line } from './protocol.ts';

interface Ending {
  readonly stdout: string;
  readonly stderr: string;
  readonly end: number | NodeJS.Signals | null;
  readonly elapsedMs: number;
}

/** Programs, and the backends that each runs on. */
const programs: readonly (readonly [name: string, backends: readonly string[]])[] = [
  ['runtime', ['uring', 'libuv']],
  ['files', ['uring', 'libuv']],
  ['quota', ['uring', 'libuv']],
  ['sockets', ['uring', 'libuv']],
  ['net', ['uring', 'libuv']],
  ['pressure', ['uring']],
  ['network', ['uring']],
  ['disks', ['uring']],
  ['polling', ['uring']],
  ['workers', ['uring']],
  ['confinement', ['auto']],
];
/** Without a word: a check has a shorter limit of its own. */
const SILENCE_MAX_MS = 100_000;
const COMPLAINT_MAX = 2000;

await main();

async function main(): Promise<void> {
  say({ type: 'boot', release: release(), node: process.version });
  await runDoctor();
  const only = commandLine('onering.only')?.split(',');
  for (const [name, backends] of programs) {
    if (only !== undefined && !only.includes(name)) continue;
    for (const backend of backends) await runProgram(name, backend);
  }
  say({ type: 'end' });
}

async function runDoctor(): Promise<void> {
  const command = fileURLToPath(new URL('../../../bin/onering.js', import.meta.url));
  const ending = await run([command, 'doctor', '--json'], 'auto');
  const problem = problemOf(ending);
  if (problem === null) say({ type: 'doctor', diagnosis: JSON.parse(ending.stdout) });
  report('doctor', 'auto', 'ends well', problem, ending);
}

async function runProgram(name: string, backend: string): Promise<void> {
  const path = fileURLToPath(new URL(`${name}.js`, import.meta.url));
  const ending = await run(['--expose-gc', path], backend, (line) => {
    process.stdout.write(`${line}\n`);
  });
  report(name, backend, 'ends well', problemOf(ending), ending);
}

function report(
  program: string,
  backend: string,
  name: string,
  problem: string | null,
  { elapsedMs }: Ending,
): void {
  const outcome: CheckLine['outcome'] = problem === null ? 'passed' : 'failed';
  const detail = problem === null ? {} : { detail: problem };
  say({ type: 'check', program, backend, name, outcome, elapsedMs, ...detail });
}

function problemOf({ end, stderr }: Ending): string | null {
  if (end === 0 && stderr === '') return null;
  return `ended with ${end}: ${stderr.slice(0, COMPLAINT_MAX)}`;
}

function run(
  args: readonly string[],
  backend: string,
  onLine: (line: string) => void = () => {},
): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...environment(), ONERING_BACKEND: backend },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), SILENCE_MAX_MS);
    let stdout = '';
    let stderr = '';
    let seen = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      for (let end = stdout.indexOf('\n', seen); end !== -1; end = stdout.indexOf('\n', seen)) {
        timer.refresh();
        onLine(stdout.slice(seen, end));
        seen = end + 1;
      }
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const elapsedMs = Math.round(performance.now() - startedMs);
      resolve({ stdout, stderr, end: code ?? signal, elapsedMs });
    });
  });
}

/** Where the disks are: the kernel numbers them in the order in which it finds them. */
function environment(): NodeJS.ProcessEnv {
  const disks = readdirSync('/sys/class/nvme').map((name): [string, string] => {
    const serial = readFileSync(`/sys/class/nvme/${name}/serial`, 'utf8').trim();
    return [serial, `/dev/${name}n1`];
  });
  const bySerial = new Map(disks);
  return {
    ONERING_NVME: bySerial.get('onering-raw'),
    ONERING_NULL_BLK: '/dev/nullb0',
    ONERING_EXT4: '/mnt/ext4',
  };
}

/** A parameter of the kernel's command line. */
function commandLine(name: string): string | undefined {
  const words = readFileSync('/proc/cmdline', 'utf8').trim().split(' ');
  return words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
}

function say(line: Line): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
