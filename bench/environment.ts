/**
 * The environment line that stands over every result: a figure without it says nothing.
 *
 * Reads only what any user may read; what is missing on a system is left out or said to be unknown.
 * It also decides which CPUs the two sides of a comparison are pinned to.
 */

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import type { Diagnosis } from 'onering';

/** CPUs for the measured program and for the load; null when nothing can be pinned. */
export interface Pinning {
  readonly server: number;
  readonly load: number;
}

/** Picks two CPUs of those this process may use, when there are two and `taskset` works. */
export function findPinning(): Pinning | null {
  const [server, load] = allowedCpus();
  if (server === undefined || load === undefined) return null;
  const probe = spawnSync('taskset', ['-c', `${server},${load}`, 'true']);
  return probe.status === 0 ? { server, load } : null;
}

/** Describes machine, kernel and Node, one fact a part. */
export function describeEnvironment(node: string, pinning: Pinning | null): string[] {
  const versions = versionsOf(node);
  const cpus = os.cpus();
  const load = os.loadavg()[0] ?? 0;
  return [
    `Linux ${os.release()} ${os.arch()}`,
    cpus[0]?.model.trim() ?? 'unknown CPU',
    `${cpus.length} CPUs`,
    pinning === null ? 'not pinned' : `server on CPU ${pinning.server}, load on ${pinning.load}`,
    `governor ${readLine('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor') ?? 'unknown'}`,
    `mitigations ${describeMitigations()}`,
    `TCP ${readLine('/proc/sys/net/ipv4/tcp_congestion_control') ?? 'unknown'}`,
    `Node ${versions.node}, libuv ${versions.uv}`,
    `UV_USE_IO_URING ${process.env['UV_USE_IO_URING'] ?? 'unset'}`,
    `UV_THREADPOOL_SIZE ${process.env['UV_THREADPOOL_SIZE'] ?? 'unset (4)'}`,
    `io_uring_disabled ${readLine('/proc/sys/kernel/io_uring_disabled') ?? 'unknown'}`,
    `load average before ${load.toFixed(2)}`,
  ];
}

/** What the ring of this machine is made of: its features in use, those that are not there. */
export function describeRing({ backend, reason, features }: Diagnosis): string {
  if (backend !== 'uring') return `no ring: ${reason ?? 'switched off'}`;
  const all = Object.entries(features);
  const named = (list: typeof all): string => list.map(([name]) => name).join(' ') || 'none';
  const used = all.filter(([, { inUse }]) => inUse);
  const missing = all.filter(([, { available }]) => !available);
  return `ring in use: ${named(used)}; not available: ${named(missing)}`;
}

function versionsOf(node: string): { node: string; uv: string } {
  const print = 'process.version + " " + process.versions.uv';
  const { stdout } = spawnSync(node, ['-p', print], { encoding: 'utf8' });
  const [version = 'unknown', uv = 'unknown'] = (stdout ?? '').trim().split(' ');
  return { node: version, uv };
}

function allowedCpus(): number[] {
  const status = readText('/proc/self/status') ?? '';
  const list = /^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first, last] = range.split('-').map(Number);
    if (first === undefined || Number.isNaN(first)) return [];
    return Array.from({ length: (last ?? first) - first + 1 }, (_, index) => first + index);
  });
}

function describeMitigations(): string {
  const folder = '/sys/devices/system/cpu/vulnerabilities';
  const argument = /\bmitigations=\S+/.exec(readText('/proc/cmdline') ?? '')?.[0];
  if (argument !== undefined) return argument.slice('mitigations='.length);
  try {
    const states = readdirSync(folder).map((name) => ({
      name,
      state: readLine(`${folder}/${name}`) ?? '',
    }));
    const active = states.filter(({ state }) => state.startsWith('Mitigation'));
    return active.length === 0 ? 'none' : active.map(({ name }) => name).join('+');
  } catch {
    // Not every system (or container) shows the folder.
    return 'unknown';
  }
}

function readLine(path: string): string | null {
  return readText(path)?.trim().split('\n')[0] ?? null;
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The callers say "unknown" where a system does not have the file.
    return null;
  }
}
