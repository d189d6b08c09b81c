/**
 * fio as a contender of the random reads: its io_uring engine, the field's yardstick for storage.
 *
 * It reads the same file at its own random places and looks at nothing that it reads, so nothing
 * proves its work: it gets a row, and no ratio is taken to it or of it.
 */

import { Child, numberIn } from '../child.ts';
import type { Figures } from '../child.ts';
import type { Contender, Sample, Settings } from '../scenario.ts';

interface FioPlan extends Pick<Settings, 'seconds' | 'warmupSeconds'> {
  readonly path: string;
  readonly depth: number;
  readonly size: number;
  readonly isDirect?: boolean;
}

/** Runs it once. */
export async function runFio({ command }: Contender, plan: FioPlan): Promise<Sample> {
  const { path, depth, size, seconds, warmupSeconds, isDirect = false } = plan;
  const settings = {
    name: 'read',
    filename: path,
    rw: 'randread',
    bs: size,
    iodepth: depth,
    ioengine: 'io_uring',
    direct: isDirect ? 1 : 0,
    invalidate: 0,
    norandommap: 1,
    time_based: 1,
    runtime: `${Math.round(seconds * 1000)}ms`,
    ramp_time: `${Math.round(warmupSeconds * 1000)}ms`,
    'output-format': 'json',
  };
  const flags = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  const child = new Child([...(command ?? []), '--readonly', ...flags]);
  return toSample(await child.wholeOutput((seconds + warmupSeconds) * 1000 + 30_000));
}

function toSample(output: Figures): Sample {
  const [job] = output['jobs'] as Figures[];
  if (job === undefined) throw new Error('fio has reported no job');
  const iops = numberIn(job, 'read.iops');
  const seconds = numberIn(job, 'read.runtime') / 1000;
  const cpuSeconds = ((numberIn(job, 'usr_cpu') + numberIn(job, 'sys_cpu')) / 100) * seconds;
  const percentiles = (job['read'] as Record<string, Record<string, unknown>>)['clat_ns'];
  const at = (name: string): number => {
    const values = percentiles?.['percentile'] as Record<string, number> | undefined;
    return (values?.[name] ?? 0) / 1000;
  };
  return {
    value: iops,
    cpuMicrosPerOperation: (cpuSeconds * 1e6) / (iops * seconds),
    latencyMicros: {
      p50: at('50.000000'),
      p90: at('90.000000'),
      p99: at('99.000000'),
      p999: at('99.900000'),
      max: numberIn(job, 'read.clat_ns.max') / 1000,
    },
    switchesPerOperation: numberIn(job, 'ctx') / (iops * seconds),
    syscallsPerOperation: null,
    peakBytes: null,
    timerLateMicros: null,
    extras: {},
    problem: null,
  };
}
