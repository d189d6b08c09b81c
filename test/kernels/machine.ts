/**
 * One virtual machine: boots a kernel with an initramfs under qemu and collects what comes out.
 *
 * It has two processors, an NVMe disk of raw blocks and one with ext4, and two network cards on
 * one hub that leads nowhere else. Results arrive on the second serial line, one JSON object a
 * line; the first line is the console, kept for when something goes wrong. A machine that is
 * silent for too long is ended. Nothing of it is left behind.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { requireProgram, run, saysInTime } from './commands.ts';
import { Missing } from './missing.ts';

/** Instructions in hardware, or emulated ones. */
export type Accelerator = 'kvm' | 'tcg';

/** What is booted, and with what. */
export interface MachineOptions {
  readonly image: string;
  readonly initramfs: string;
  /** A folder of this machine's own, for its disks and its console. */
  readonly folder: string;
  readonly accelerator: Accelerator;
  /** For the kernel's command line, where programs find them too. */
  readonly parameters: readonly string[];
  /** When the machine is ended, whatever it does: a time of `performance.now()`. */
  readonly endMs: number;
  /** Called with each line of results. */
  readonly onLine: (line: string) => void;
}

const EMULATOR = 'qemu-system-x86_64';
/**
 * Without `cmpxchg16b`, after which qemu 7.2 now and then leaves garbage in the flags: kernels
 * whose allocator uses it (6.12) die of a double fault or hang. Without the fifth level of page
 * tables, which only costs time.
 */
const EMULATED = 'max,cx16=off,la57=off';
const MEMORY_MB = 2048;
const DISK_BYTES = 64 * 1024 * 1024;
/** Longer than any single check takes on an emulated processor that shares two real ones. */
const SILENCE_MAX_MS = 120_000;
/** Hardware boots to the point where a kernel misses its root in well under a second. */
const TRIAL_MS = 8000;
const CONSOLE_LINES = 60;
const COMPLAINT_MAX = 2000;

/** How a machine ended. */
export interface Shutdown {
  readonly isSilent: boolean;
  /** Its time was over, though it still had something to say. */
  readonly isCut: boolean;
  readonly code: number | null;
  /** What the kernel complained about, or its last words. */
  readonly console: string;
}

/** Finds out whether virtualization really works here: `/dev/kvm` alone says little. */
export async function chooseAccelerator(image: string): Promise<Accelerator> {
  if (!existsSync('/dev/kvm')) return 'tcg';
  const args = [
    ['-accel', 'kvm', '-cpu', 'host', '-m', '512', '-no-reboot', '-nodefaults'],
    ['-display', 'none', '-serial', 'stdio'],
    ['-kernel', image, '-append', 'console=ttyS0 panic=-1'],
  ].flat();
  return (await saysInTime(EMULATOR, args, 'Linux version', TRIAL_MS)) ? 'kvm' : 'tcg';
}

/** Boots a machine and waits until it is off. `Missing` where the emulator does not even begin. */
export async function bootMachine(options: MachineOptions): Promise<Shutdown> {
  const { folder, endMs, onLine } = options;
  const raw = join(folder, 'nvme.img');
  const ext4 = join(folder, 'ext4.img');
  const console = join(folder, 'console.log');
  for (const disk of [raw, ext4]) makeDisk(disk);
  run('mke2fs', ['-q', '-t', 'ext4', '-O', 'quota', '-E', 'quotatype=usrquota', '-F', ext4]);
  const child = spawn(requireProgram(EMULATOR), machineArguments(options, raw, ext4, console), {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const endWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', endWithUs);
  try {
    const { stderr, ...end } = await listen(child, onLine, endMs);
    const complaint = complaintIn(console);
    // Such as for want of memory: nothing of a guest has run.
    if (end.code === 1 && complaint === '' && stderr !== '') {
      throw new Missing(`${EMULATOR} ended with ${end.code}: ${stderr}`);
    }
    return { ...end, console: complaint };
  } finally {
    process.off('exit', endWithUs);
  }
}

function listen(
  child: ChildProcess,
  onLine: (line: string) => void,
  endMs: number,
): Promise<Omit<Shutdown, 'console'> & { stderr: string }> {
  return new Promise((resolve, reject) => {
    let isSilent = false;
    let isCut = false;
    let stderr = '';
    const cut = (): void => {
      isCut = true;
      child.kill('SIGKILL');
    };
    const leftMs = Math.max(1, endMs - performance.now());
    const limit = Number.isFinite(leftMs) ? setTimeout(cut, leftMs) : undefined;
    const timer = setTimeout(() => {
      isSilent = true;
      child.kill('SIGKILL');
    }, SILENCE_MAX_MS);
    child.once('error', reject);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(0, COMPLAINT_MAX);
    });
    if (child.stdout !== null) {
      createInterface(child.stdout).on('line', (line) => {
        timer.refresh();
        onLine(line);
      });
    }
    child.once('close', (code) => {
      clearTimeout(timer);
      clearTimeout(limit);
      resolve({ isSilent, isCut, code, stderr });
    });
  });
}

function machineArguments(
  { image, initramfs, accelerator, parameters }: MachineOptions,
  raw: string,
  ext4: string,
  console: string,
): string[] {
  const isEmulated = accelerator === 'tcg';
  const usual = 'console=ttyS0 quiet loglevel=4 oops=panic panic=-1 nvme.poll_queues=1';
  return [
    ['-accel', isEmulated ? 'tcg,thread=multi' : 'kvm', '-cpu', isEmulated ? EMULATED : 'host'],
    ['-smp', '2', '-m', String(MEMORY_MB), '-no-reboot', '-nodefaults', '-display', 'none'],
    ['-kernel', image, '-initrd', initramfs],
    ['-append', [usual, ...parameters].join(' ')],
    ['-serial', `file:${console}`, '-serial', 'stdio'],
    nvme('onering-raw', raw),
    nvme('onering-ext4', ext4),
    ['-netdev', 'hubport,hubid=0,id=left', '-device', 'virtio-net-pci,netdev=left'],
    ['-netdev', 'hubport,hubid=0,id=right', '-device', 'virtio-net-pci,netdev=right'],
  ].flat();
}

/** A disk that the guest tells from the other one by its serial number. */
function nvme(serial: string, file: string): string[] {
  const drive = `file=${file},if=none,id=${serial},format=raw,cache=unsafe`;
  return ['-drive', drive, '-device', `nvme,drive=${serial},serial=${serial}`];
}

function makeDisk(path: string): void {
  const fd = openSync(path, 'w');
  ftruncateSync(fd, DISK_BYTES);
  closeSync(fd);
}

/** From where the kernel begins to complain, or else its last words. */
function complaintIn(console: string): string {
  const text = existsSync(console) ? readFileSync(console, 'utf8') : '';
  const lines = text.trimEnd().split('\n');
  const first = lines.findIndex((line) => /\b(BUG|Oops|WARNING|panic)\b/.test(line));
  return (
    first === -1 ? lines.slice(-CONSOLE_LINES) : lines.slice(first, first + CONSOLE_LINES)
  ).join('\n');
}
